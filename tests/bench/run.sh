#!/bin/bash
# Builds the release, runs the benchmarks beside this script one after the other, and ends with their figures as a Markdown table
# (docs/PERFORMANCE.md keeps the last one). Exit code 1 when a figure misses what it has to reach, or could not be measured.
#   tests/bench/run.sh [NAME...]        all of them, or these: `run.sh handshakes sweep`
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

# What a benchmark is told when all have to be over in a quarter of an hour; alone it takes the time it needs.
declare -A arguments=([crowd]="1000 60")

./deploy/install-deps.sh --build --test --bench
options=()
! command -v ccache >/dev/null || options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
cmake --preset release ${options[@]+"${options[@]}"} >/dev/null
cmake --build build/release -j "$(nproc)" >/dev/null
export PARALLAX_BUILD_DIR=$PWD/build/release PARALLAX_SOURCE_DIR=$PWD

names=("$@")
[ $# -gt 0 ] || for bench in "$here"/*.sh; do
    name=$(basename "$bench" .sh)
    case $name in run | lib | profile | growth) ;; *) names+=("$name") ;; esac
done
for name in "${names[@]}"; do
    [ -f "$here/$name.sh" ] || { echo "run.sh: no benchmark \"$name\" (a script of tests/bench, without .sh)" >&2; exit 2; }
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
missed=0
touch "$scratch/rows"
for name in "${names[@]}"; do
    began=$SECONDS status=0
    echo "== $name"
    # shellcheck disable=SC2086 # they are words
    bash "$here/$name.sh" ${arguments[$name]:-} >"$scratch/out" 2>"$scratch/err" || status=$?
    grep -v '^row|' "$scratch/out" || true
    [ $status = 0 ] || { missed=1; cat "$scratch/err" >&2; }
    echo "   exit code $status, $((SECONDS - began)) s"
    grep '^row|' "$scratch/out" >>"$scratch/rows" || case $status in
        0) echo "row|$name: $(tail -n 1 "$scratch/out" | tr '|' '/')|||||met|" ;;
        1) echo "row|$name: $(tail -n 1 "$scratch/out" | tr '|' '/')|||||MISSED|" ;;
        *) echo "row|$name|||||could not be measured|" ;;
    esac >>"$scratch/rows"
done

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
echo
echo "$(date -u +%F), $(git rev-parse --short HEAD 2>/dev/null || echo no commit), $(nproc) cores ($cpu), $(. /etc/os-release && echo "$PRETTY_NAME"), $(openssl version | cut -d' ' -f1,2)"
echo
echo "| what | ours | against | ratio | to reach | | load |"
echo "|---|---|---|---|---|---|---|"
awk -F'|' '{ sub(/^row\|/, ""); gsub(/\|/, " | "); gsub(/ +/, " "); print "| " $0 " |" }' "$scratch/rows"
exit $missed
