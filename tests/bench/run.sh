#!/bin/bash
# Builds the release and runs every benchmark beside this script. Each prints its figures as the last line of its output and ends
# with another exit code than 0 when it misses a limit; the figures come as a table at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

./deploy/install-deps.sh --build --test
options=()
! command -v ccache >/dev/null || options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
cmake --preset release ${options[@]+"${options[@]}"} >/dev/null
cmake --build build/release -j "$(nproc)" >/dev/null
export PARALLAX_BUILD_DIR=$PWD/build/release PARALLAX_SOURCE_DIR=$PWD

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
missed=0
for bench in "$here"/*.sh; do
    name=$(basename "$bench" .sh)
    [ "$name" != run ] || continue
    verdict=met
    bash "$bench" >"$scratch/out" 2>"$scratch/err" || { verdict=MISSED missed=1; }
    [ $verdict = met ] || cat "$scratch/out" "$scratch/err" >&2
    printf '%-14s %-8s %s\n' "$name" "$verdict" "$(tail -n 1 "$scratch/out")" >>"$scratch/table"
done
cat "$scratch/table"
exit $missed
