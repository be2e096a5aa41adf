#!/bin/bash
# What strangers' bytes reach holds against a fuzzer: every target of tests/fuzz, from what is known of it, for 20 s each.
set -euo pipefail
exec "$PARALLAX_SOURCE_DIR/tests/fuzz/run.sh" "${FUZZ_SECONDS:-20}"
