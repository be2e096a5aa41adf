#!/bin/bash
# What the watch over rounds makes of made-up fleets: false opens, scopes named, rounds to open. `fleet.sh --full` takes long.
: "${PARALLAX_BUILD_DIR:=$(cd "$(dirname "$0")/../.." && pwd)/build/release}"
options=(--quick)
[ "${1:-}" != --full ] || options=()
exec "$PARALLAX_BUILD_DIR/bench/bench-fleet" ${options[@]+"${options[@]}"}
