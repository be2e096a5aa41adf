#!/bin/bash
# What the watch over rounds makes of made-up fleets: false opens, scopes named, rounds to open (see fleet.c).
#   tests/bench/fleet.sh [--full]        a minute or two; with --full, many
. "$(dirname "$0")/begin.sh"
options=(--quick)
[ "${1:-}" != --full ] || { options=() && shift; }
at_most 0 "$@"
. "$(dirname "$0")/lib.sh"
need_built bench/bench-fleet
"$build_dir/bench/bench-fleet" ${options[@]+"${options[@]}"} | tee "$scratch/said" || [ $? = 1 ]
missed=$(sed -n 's/^\([0-9]*\) bounds missed.*/\1/p' "$scratch/said")
row "bounds that the watch over fleets misses" "${missed:=unknown}" - "$missed" "<=" 0 bounds
finish
