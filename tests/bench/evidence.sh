#!/bin/bash
# Handshakes with nginx, with evidence taken and without, by the same engine in one process (see evidence.c).
# Must hold: evidence costs no more than 15 % of the client's CPU time.
#   tests/bench/evidence.sh
. "$(dirname "$0")/begin.sh"
at_most 0 "$@"
. "$(dirname "$0")/lib.sh"
need_built bench/bench-evidence

pki=$scratch/pki
"$source_dir/tests/lab/pki.sh" "$pki" init
"$source_dir/tests/lab/pki.sh" "$pki" leaf www.shop.example
start_nginx server "ssl_certificate $pki/www.shop.example.chain.pem; ssl_certificate_key $pki/www.shop.example.key;"
read -r with without < <("$build_dir/bench/bench-evidence" 127.0.0.1 "$port" www.shop.example "$pki/root.pem")
row "CPU time of an attempt with evidence (handshake and request)" "$with us" "the same without: $without us" \
    "$(awk -v a="$with" -v b="$without" 'BEGIN { printf "%.3f", a / b }')" "<=" 1.15
finish
