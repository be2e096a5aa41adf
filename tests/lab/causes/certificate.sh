# Certificates wrong in each way (see tests/scenarios/causes.sh).
