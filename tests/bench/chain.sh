#!/bin/bash
# What judging a certificate chain costs in CPU time: new, a new leaf under a known intermediate, and known (see chain.c).
# Must hold: a new leaf takes at most half of what parsing, verifying and describing take with libssl's own functions; a known
# chain at most a twentieth.
#   tests/bench/chain.sh
. "$(dirname "$0")/begin.sh"
at_most 0 "$@"
. "$(dirname "$0")/lib.sh"
need_built bench/bench-chain

"$build_dir/bench/bench-chain" | tee "$scratch/lines" # chain EC new leaf 85.4 us (84.7..87.3)
us() { awk -v key="$1" -v kind="$2" '$1 == "chain" && $2 == key && index($0, " " kind " ") { print $(NF - 2) }' "$scratch/lines"; } # KEY KIND
for key in EC RSA; do
    for kind in "new leaf" known; do
        [ -n "$(us $key "$kind")" ] && [ -n "$(us $key libssl)" ] || give_up "bench-chain does not say what \"$kind\" takes with $key"
    done
    libssl=$(us $key libssl)
    row "a new leaf under a known intermediate, $key" "$(us $key "new leaf") us" "libssl: $libssl us" \
        "$(awk -v a="$(us $key "new leaf")" -v b="$libssl" 'BEGIN { printf "%.2f", a / b }')" "<=" 0.5
    row "a known chain, $key" "$(us $key known) us" "libssl: $libssl us" \
        "$(awk -v a="$(us $key known)" -v b="$libssl" 'BEGIN { printf "%.3f", a / b }')" "<=" 0.05
done
finish
