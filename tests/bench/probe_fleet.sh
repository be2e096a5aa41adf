#!/bin/bash
# Probes 1,000 endpoints on loopback addresses, 256 at once, from one agent.
# Must hold: all succeed, and the agent's peak RSS stays under 64 MB.
#   tests/bench/probe_fleet.sh
. "$(dirname "$0")/begin.sh"
at_most 0 "$@"
. "$(dirname "$0")/lib.sh"
agent=$build_dir/bin/parallax-agent
endpoints=1000 at_once=256
need_built bin/parallax-agent

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=fleet.test \
    -addext subjectAltName=DNS:fleet.test -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
start_nginx fleet "ssl_certificate $scratch/cert.pem; ssl_certificate_key $scratch/key.pem;"

for i in $(seq 0 $((endpoints - 1))); do
    echo "127.20.$((i / 250)).$((i % 250 + 1)):$port"
done >"$scratch/targets"

/usr/bin/time -f '%e %M' -o "$scratch/time" \
    "$agent" probe -f "$scratch/targets" -j "$at_once" --sni fleet.test --ca-file "$scratch/cert.pem" \
    --format ndjson >"$scratch/out" || give_up "not all succeeded"
read -r seconds peak_kb < <(tail -n 1 "$scratch/time")
ok=$(grep -c '"class":"ok"' "$scratch/out" || true)
[ "$ok" -eq "$endpoints" ] || give_up "only $ok of $endpoints succeeded"
echo "$ok of $endpoints endpoints ok, $at_once at once, in $seconds s"
peak=$(awk -v kb="$peak_kb" 'BEGIN { printf "%.1f", kb / 1024 }')
row "peak memory of a probe of 1,000 endpoints, 256 at once" "$peak MB" - "$peak" "<=" 64 MB
finish
