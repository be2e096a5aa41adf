# Negotiations that fail in each way (see tests/scenarios/causes.sh).
