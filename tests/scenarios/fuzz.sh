#!/bin/bash
# What strangers' bytes reach holds against a fuzzer: every target of tests/fuzz, from what is known of it, for 20 s each. One more
# at a time than there are processors, since this looks for what has come back and is no search.
set -euo pipefail
JOBS=$(($(nproc) + 1)) exec "$PARALLAX_SOURCE_DIR/tests/fuzz/run.sh" "${FUZZ_SECONDS:-20}"
