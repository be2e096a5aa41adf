#!/bin/bash
# How cost grows with work, as the tables of docs/PERFORMANCE.md; no figure has to reach anything.
#   endpoints   1, 10 and 100 thousand of one agent, each at an address of its own, of one nginx: probed in full, and swept (two minutes)
#   vantages    10, 100 and 1,000 agents of one collector, for a minute each (five minutes)
#   days        1, 7 and 30 stored: reports over the last one (five minutes, 5 GB of disk)
#
#   tests/bench/growth.sh [endpoints|vantages|days]...        all three
. "$(dirname "$0")/begin.sh"
parts=("$@")
for part in "$@"; do
    case $part in
        endpoints | vantages | days) ;;
        --help | -h) show_help; exit 0 ;;
        *) wrong_usage "endpoints, vantages or days, not \"$part\"" ;;
    esac
done
[ $# -gt 0 ] || parts=(endpoints vantages days)
. "$(dirname "$0")/lib.sh"
need_built bin/parallax-agent
need_built bench/bench-crowd

# cost NAME COUNT ANSWERED COMMAND...: "| answered | seconds | CPU of an endpoint | peak memory |" of a command whose output is in $scratch/NAME
cost() {
    local name=$1 count=$2 answered=$3 seconds user system peak
    shift 3
    /usr/bin/time -f '%e %U %S %M' -o "$scratch/time" "$@" >"$scratch/$name" 2>"$scratch/err" || [ $? = 1 ] ||
        give_up "$(tail -n 1 "$scratch/err")"
    read -r seconds user system peak < <(tail -n 1 "$scratch/time")
    awk -v n="$count" -v ok="$(grep -cE "$answered" "$scratch/$name")" -v s="$seconds" -v u="$user" -v t="$system" -v kb="$peak" \
        'BEGIN { printf " %d | %.1f | %.0f us | %.0f MB |", ok, s, (u + t) * 1e6 / n, kb / 1024 }'
}

endpoints() {
    local count
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=growth.test \
        -addext subjectAltName=DNS:growth.test -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
    start_nginx growth "ssl_certificate $scratch/cert.pem; ssl_certificate_key $scratch/key.pem;"
    echo "| endpoints | probed: ok | seconds | CPU of each | peak memory | swept: answered | seconds | CPU of each | peak memory |"
    echo "|---|---|---|---|---|---|---|---|---|"
    for count in 1000 10000 100000; do
        awk -v n=$count -v port="$port" 'BEGIN {
            for (i = 0; i < n; i++) printf "127.%d.%d.%d:%s\n", 32 + i / 62500, i / 250 % 250, i % 250 + 1, port }' >"$scratch/targets"
        printf '| %d |' $count
        cost probed $count '"class":"ok"' "$build_dir/bin/parallax-agent" probe -f "$scratch/targets" -j 256 --timeout 30s \
            --sni growth.test --ca-file "$scratch/cert.pem" --format ndjson
        cost swept $count ',ok,' "$build_dir/bin/parallax-agent" sweep -f "$scratch/targets" --rate 1000000 --concurrency 256 \
            --sni growth.test --format csv
        echo
        rm -f "$scratch/probed" "$scratch/swept"
    done
}

vantages() {
    local agents
    echo "| agents | attempts in a minute | collector CPU of each | of one core | peak memory | ack p50, p99 |"
    echo "|---|---|---|---|---|---|"
    for agents in 10 100 1000; do
        STILL=1 bash "$source_dir/tests/bench/crowd.sh" $agents 60 >"$scratch/out" 2>"$scratch/err" || [ $? = 1 ] ||
            give_up "crowd.sh: $(tail -n 1 "$scratch/err")"
        awk -v n=$agents '/^steady: agents=/ { for (i = 2; i <= NF; i++) { split($i, kv, "="); v[kv[1]] = kv[2] } }
            /^steady: collector/ { match($0, /CPU [0-9.]+ %/); core = substr($0, RSTART + 4, RLENGTH - 4)
                                   match($0, /[0-9.]+ ms an attempt/); each = substr($0, RSTART, RLENGTH - 11)
                                   match($0, /at most [0-9.]+ MB/); memory = substr($0, RSTART + 8, RLENGTH - 8) }
            END { printf "| %d | %d | %s | %s | %s | %s, %s ms |\n", n, v["attempts"], each, core, memory, v["ack_p50_ms"], v["ack_p99_ms"] }' "$scratch/out"
    done
}

# By report_history.sh, which asks for the same day where one is stored, and where more are.
days() {
    local stored
    echo "| days stored | attempts, size | all reports over the last day, ms | with 1 day stored, in the same run | each report, ms |"
    echo "|---|---|---|---|---|"
    for stored in 7 30; do
        ENDPOINTS=${ENDPOINTS:-20} DAYS=$stored SETS=${SETS:-5} bash "$source_dir/tests/bench/report_history.sh" \
            >"$scratch/out" 2>"$scratch/err" || [ $? = 1 ] || give_up "report_history.sh: $(tail -n 1 "$scratch/err")"
        awk -v n=$stored '/^many: / { size = substr($0, 7) }
            $0 ~ "^[a-z]+: .* of 1 day, .* of " n "$" {
                split($0, half, " of 1 day, "); split(half[1], a, " "); split(half[2], b, " ")
                one += a[2]; all += b[1]; each = each (each == "" ? "" : ", ") substr(a[1], 1, length(a[1]) - 1) " " b[1] }
            END { printf "| %d | %s | %.0f | %.0f | %s |\n", n, size, all, one, each }' "$scratch/out"
    done
}

for part in "${parts[@]}"; do
    $part
    echo
done
