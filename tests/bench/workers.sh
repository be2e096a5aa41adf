#!/bin/bash
# What a second worker of `probe` gives: a list probed by one worker and by two, in turn. With four cores or more it is the wall time
# that counts. With fewer, a server and two workers have to share them, and wall time would say how many cores there are. What
# counts then is what could keep two workers on cores of their own from making twice as much, each of which is measured:
#
#   - they cost each other CPU time (caches, the allocator, the kernel): a target's CPU time by one worker, c1, and by two, c2;
#   - they wait for each other at a lock: the CPU time that a target is worked on under one, s (bench-locks).
#
# Two that meet at one lock make 2 / (1 + (s/c2)^2) times as much as one alone that takes c2 (mean value analysis of a closed
# queue of two, times spread as widely as those of a Poisson process, which is worse than they are), so the figure is
# c1/c2 * 2 / (1 + (s/c2)^2). Must hold: two make 1.8 times as much as one.
#   tests/bench/workers.sh [ROUNDS [TARGETS]]       7 rounds of 4,000
. "$(dirname "$0")/begin.sh"
at_most 2 "$@"
. "$(dirname "$0")/lib.sh"
rounds=${1:-7} targets=${2:-4000}
need_built bin/parallax-agent
need_built bench/bench-locks

pki=$scratch/pki
"$source_dir/tests/lab/pki.sh" "$pki" init
"$source_dir/tests/lab/pki.sh" "$pki" leaf www.shop.example
start_nginx server "ssl_protocols TLSv1.3; ssl_ecdh_curve X25519:prime256v1;
    ssl_certificate $pki/www.shop.example.chain.pem; ssl_certificate_key $pki/www.shop.example.key;"
awk -v n="$targets" -v port="$port" 'BEGIN { for (i = 0; i < n; i++) printf "127.48.%d.%d:%s\n", i / 250, i % 250 + 1, port }' >"$scratch/targets"

probe() { # PROGRAM WORKERS: $seconds and $cpu_us of each target
    local ok user system
    /usr/bin/time -f '%e %U %S' -o "$scratch/time" "$build_dir/$1" probe -f "$scratch/targets" -j 256 --workers "$2" \
        --engine own --sni www.shop.example --ca-file "$pki/root.pem" --format ndjson >"$scratch/out" 2>"$scratch/err" ||
        give_up "not all succeeded: $(tail -n 1 "$scratch/err")"
    ok=$(grep -c '"class":"ok"' "$scratch/out")
    [ "$ok" = "$targets" ] || give_up "$ok of $targets are ok"
    read -r seconds user system < <(tail -n 1 "$scratch/time")
    cpu_us=$(awk -v u="$user" -v s="$system" -v n="$targets" 'BEGIN { printf "%.1f", (u + s) * 1e6 / n }')
}

locks() { # what two workers hold locks for, and how often one was not free
    local taken waited held_us
    probe bench/bench-locks 2
    read -r taken waited held_us < <(sed -n 's/^locks: //p' "$scratch/err") || give_up "bench-locks says nothing"
    awk -v us="$held_us" -v n="$targets" 'BEGIN { printf "%.2f\n", us / n }' >>"$scratch/held"
    awk -v w="$waited" -v t="$taken" 'BEGIN { printf "%.2f\n", 100 * w / t }' >>"$scratch/waited"
}

for round in $(seq "$rounds"); do
    for workers in $((round % 2 + 1)) $((2 - round % 2)); do # neither is always first
        probe bin/parallax-agent $workers
        echo "$seconds" >>"$scratch/wall.$workers"
        echo "$cpu_us" >>"$scratch/cpu.$workers"
    done
    locks
done

cores=$(nproc)
echo "seconds for $targets targets: one worker $(spread %.2f <"$scratch/wall.1"), two $(spread %.2f <"$scratch/wall.2"); $cores cores"
echo "CPU time of a target, us: one worker $(spread <"$scratch/cpu.1"), two $(spread <"$scratch/cpu.2"), of it under a lock $(spread %.1f <"$scratch/held"); not free $(spread %.2f <"$scratch/waited") % of the times it was taken"
if [ "$cores" -ge 4 ]; then
    row "two workers against one, wall time of a list" "$(spread %.2f <"$scratch/wall.2") s" "one: $(spread %.2f <"$scratch/wall.1") s" \
        "$(ratio "$scratch/wall.1" "$scratch/wall.2")" ">=" 1.8
else
    row "two workers against one, by CPU and lock time of a target ($cores cores are none free for a second worker)" \
        "$(spread <"$scratch/cpu.2") us, $(median <"$scratch/held") under a lock" "one: $(spread <"$scratch/cpu.1") us" \
        "$(awk -v one="$(median <"$scratch/cpu.1")" -v two="$(median <"$scratch/cpu.2")" -v held="$(median <"$scratch/held")" \
            'BEGIN { s = held / two; printf "%.2f", one / two * 2 / (1 + s * s) }')" ">=" 1.8
fi
finish
