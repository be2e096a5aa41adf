#!/bin/bash
# Builds the release and runs every benchmark beside this script. Each prints lines "figure: WHAT: MEASURED (LIMIT)" and ends with
# another exit code than 0 when it misses a limit; the figures come as a table at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

./deploy/install-deps.sh --build --test
options=()
! command -v ccache >/dev/null || options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
cmake --preset release ${options[@]+"${options[@]}"} >/dev/null
cmake --build build/release -j "$(nproc)" >/dev/null
export PARALLAX_BUILD_DIR=$PWD/build/release PARALLAX_SOURCE_DIR=$PWD

figures=$(mktemp)
trap 'rm -f "$figures"' EXIT
missed=0
for bench in "$here"/*.sh; do
    [ "$bench" != "$here/run.sh" ] || continue
    echo "== $(basename "$bench" .sh)"
    verdict=met
    bash "$bench" >"$figures.now" 2>&1 || { verdict=MISSED missed=1; }
    cat "$figures.now"
    sed -n "s/^figure: \(.*\): \([^:]*\) (\(.*\))\$/\1\t\2\t\3\t$verdict/p" "$figures.now" >>"$figures"
    rm -f "$figures.now"
done

echo
awk -F '\t' 'BEGIN { printf "%-44s %-34s %-28s %s\n", "WHAT", "MEASURED", "WANTED", "" }
    { printf "%-44s %-34s %-28s %s\n", $1, $2, $3, $4 }' "$figures"
exit $missed
