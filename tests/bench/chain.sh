#!/usr/bin/env bash
# What judging a certificate chain costs in CPU time: new, a new leaf under a known intermediate, and known (see chain.c).
# Must hold: a new leaf takes at most half of what parsing, verifying and describing take with libssl's own functions; a known
# chain at most a twentieth.
# Usage: tests/bench/chain.sh [BUILD_DIR]      (a release build; default build/release)
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build_dir=${1:-${PARALLAX_BUILD_DIR:-$source_dir/build/release}}
bench=$build_dir/bench/bench-chain
[ -x "$bench" ] || { echo "chain: no $bench; build the release preset first" >&2; exit 3; }

# Lines: chain EC new leaf 85.4 us (84.7..87.3)
"$bench" | awk '
    { print; kind = $3 ($4 == "chain" || $4 == "leaf" ? " " $4 : ""); us[$2, kind] = $(NF - 2) }
    END {
        split("EC RSA", keys, " ")
        for (i = 1; i <= 2; i++) {
            key = keys[i]
            missed = missed || !us[key, "libssl"] || us[key, "new leaf"] > us[key, "libssl"] / 2 || us[key, "known"] > us[key, "libssl"] / 20
            line = line sprintf("%s%s chain, us: new %.0f, new leaf %.0f, known %.1f (libssl %.0f)", i == 1 ? "" : "; ",
                                key, us[key, "new chain"], us[key, "new leaf"], us[key, "known"], us[key, "libssl"])
        }
        print line
        exit missed ? 1 : 0
    }'
