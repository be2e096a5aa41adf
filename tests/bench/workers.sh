#!/bin/bash
# What a second worker of `probe` gives: a list probed by one worker and by two. With four cores or more it is the wall time that
# counts. With fewer, server and workers have to share them, and what is compared is the CPU time of a target: two workers that hinder
# each other nowhere take what one takes, and so make twice as much on cores of their own.
# Must hold: two make 1.8 times as much as one.
#   tests/bench/workers.sh [ROUNDS [TARGETS]]       7 rounds of 4,000
. "$(dirname "$0")/lib.sh"
rounds=${1:-7} targets=${2:-4000}
need_built bin/parallax-agent

pki=$scratch/pki
"$source_dir/tests/lab/pki.sh" "$pki" init
"$source_dir/tests/lab/pki.sh" "$pki" leaf www.shop.example
start_nginx server "ssl_protocols TLSv1.3; ssl_ecdh_curve X25519:prime256v1;
    ssl_certificate $pki/www.shop.example.chain.pem; ssl_certificate_key $pki/www.shop.example.key;"
awk -v n="$targets" -v port="$port" 'BEGIN { for (i = 0; i < n; i++) printf "127.48.%d.%d:%s\n", i / 250, i % 250 + 1, port }' >"$scratch/targets"

probe() { # WORKERS
    local ok seconds user system
    /usr/bin/time -f '%e %U %S' -o "$scratch/time" "$build_dir/bin/parallax-agent" probe -f "$scratch/targets" -j 256 --workers "$1" \
        --engine own --sni www.shop.example --ca-file "$pki/root.pem" --format ndjson >"$scratch/out" || give_up "not all succeeded"
    ok=$(grep -c '"class":"ok"' "$scratch/out")
    [ "$ok" = "$targets" ] || give_up "$ok of $targets are ok"
    read -r seconds user system < <(tail -n 1 "$scratch/time")
    echo "$seconds" >>"$scratch/wall.$1"
    awk -v u="$user" -v s="$system" -v n="$targets" 'BEGIN { printf "%.1f\n", (u + s) * 1e6 / n }' >>"$scratch/cpu.$1"
}

for round in $(seq "$rounds"); do
    for workers in $((round % 2 + 1)) $((2 - round % 2)); do probe $workers; done # neither is always first
done

cores=$(nproc)
echo "seconds for $targets targets: one worker $(spread %.2f <"$scratch/wall.1"), two $(spread %.2f <"$scratch/wall.2"); $cores cores"
if [ "$cores" -ge 4 ]; then
    row "two workers against one, wall time of a list" "$(spread %.2f <"$scratch/wall.2") s" "one: $(spread %.2f <"$scratch/wall.1") s" \
        "$(ratio "$scratch/wall.1" "$scratch/wall.2")" ">=" 1.8
else
    row "two workers against one, by CPU time of a target (no core was free for a second)" "$(spread <"$scratch/cpu.2") us" "one: $(spread <"$scratch/cpu.1") us" \
        "$(awk -v r="$(ratio "$scratch/cpu.1" "$scratch/cpu.2")" 'BEGIN { printf "%.2f", 2 * r }')" ">=" 1.8
fi
finish
