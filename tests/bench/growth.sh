#!/bin/bash
# How cost grows with work, as tables for docs/PERFORMANCE.md: endpoints of one agent (1, 10 and 100 thousand, of one nginx, each at
# an address of its own), and agents of one collector (10, 100 and 1,000, for a minute each). No figure has to reach anything.
# What days of history cost is report_history.sh's.
#   tests/bench/growth.sh [endpoints|vantages]...       both
. "$(dirname "$0")/lib.sh"
need_built bin/parallax-agent

endpoints() {
    local count address seconds user system peak wrong
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=growth.test \
        -addext subjectAltName=DNS:growth.test -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
    start_nginx growth "ssl_certificate $scratch/cert.pem; ssl_certificate_key $scratch/key.pem;"
    echo "| endpoints | ok | seconds | client CPU an endpoint | peak memory |"
    echo "|---|---|---|---|---|"
    for count in 1000 10000 100000; do
        awk -v n=$count -v port="$port" 'BEGIN {
            for (i = 0; i < n; i++) printf "127.%d.%d.%d:%s\n", 32 + i / 62500, i / 250 % 250, i % 250 + 1, port }' >"$scratch/targets"
        /usr/bin/time -f '%e %U %S %M' -o "$scratch/time" "$build_dir/bin/parallax-agent" probe -f "$scratch/targets" -j 256 \
            --sni growth.test --ca-file "$scratch/cert.pem" --format ndjson 2>"$scratch/err" |
            grep -c '"class":"ok"' >"$scratch/ok" || true
        read -r seconds user system peak < <(tail -n 1 "$scratch/time")
        awk -v n=$count -v ok="$(cat "$scratch/ok")" -v s="$seconds" -v cpu="$user $system" -v kb="$peak" 'BEGIN {
            split(cpu, t, " "); printf "| %d | %d | %.1f | %.0f us | %.0f MB |\n", n, ok, s, (t[1] + t[2]) * 1e6 / n, kb / 1024 }'
    done
}

vantages() {
    local agents
    echo "| agents | attempts in a minute | collector CPU | of one core | peak memory | ack p50, p99 |"
    echo "|---|---|---|---|---|---|"
    for agents in 10 100 1000; do
        STILL=1 bash "$source_dir/tests/bench/crowd.sh" $agents 60 >"$scratch/out" 2>"$scratch/err" || give_up "$(tail -n 1 "$scratch/err")"
        awk -v n=$agents '/^steady: agents=/ { for (i = 2; i <= NF; i++) { split($i, kv, "="); v[kv[1]] = kv[2] } }
            /^steady: collector/ { match($0, /CPU [0-9.]+ %/); core = substr($0, RSTART + 4, RLENGTH - 4)
                                   match($0, /[0-9.]+ ms an attempt/); each = substr($0, RSTART, RLENGTH)
                                   match($0, /at most [0-9.]+ MB/); memory = substr($0, RSTART + 8, RLENGTH - 8) }
            END { printf "| %d | %d | %s | %s | %s | %s, %s ms |\n", n, v["attempts"], each, core, memory, v["ack_p50_ms"], v["ack_p99_ms"] }' "$scratch/out"
    done
}

[ $# -gt 0 ] || set -- endpoints vantages
for part in "$@"; do
    case $part in
        endpoints | vantages) $part ;;
        *) echo "growth: endpoints or vantages, not \"$part\"" >&2; exit 2 ;;
    esac
    echo
done
