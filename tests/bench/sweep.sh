#!/bin/bash
# A sweep, which sends one ClientHello to each endpoint, against our own verified full handshake with all its evidence, by the same
# nginx: endpoints for each second of client CPU. Beside it what the kernel takes for the same connections, by a program that looks at
# nothing and records nothing. Then what a list of many endpoints costs in memory.
# Must hold: 7 times as many endpoints as handshakes; 0.6 of what the kernel allows; and memory does not grow with the list.
#   tests/bench/sweep.sh [ROUNDS]        5 rounds of 8,192 endpoints and 1,000 handshakes
. "$(dirname "$0")/begin.sh"
at_most 1 "$@"
. "$(dirname "$0")/lib.sh"
rounds=${1:-5} swept=8192 made=1000

need_built bin/parallax-agent
need_built bench/bench-handshake
need_built bench/bench-bare-hello
agent=$build_dir/bin/parallax-agent

"$source_dir/tests/lab/pki.sh" "$scratch/pki" init
"$source_dir/tests/lab/pki.sh" "$scratch/pki" leaf www.shop.example
start_nginx sweep "ssl_protocols TLSv1.3; ssl_ecdh_curve X25519:prime256v1;
    ssl_certificate $scratch/pki/www.shop.example.chain.pem; ssl_certificate_key $scratch/pki/www.shop.example.key;"

note() { awk -v n="$2" -v us="$3" 'BEGIN { printf "%.1f\n", n * 1e6 / us }' >>"$scratch/$1"; } # FILE COUNT CPU_US
sweep() { # FORMAT: every endpoint has to answer
    spent "$agent" sweep "127.0.0.0/19:$port" --sni www.shop.example --rate 1000000 --concurrency 256 --format "$1" ||
        give_up "the sweep failed: $(head -n 5 "$scratch/spent.out" "$scratch/spent.err")"
    note "sweep.$1" $swept "$spent_us"
}
counted() { # FILE COMMAND...: a program that prints how many and the CPU time they took
    local name=$1 count took _
    shift
    read -r count took _ < <("$@") || give_up "$(basename "$1") failed"
    note "$name" "$count" "$took"
}

for round in $(seq "$rounds"); do
    counted full "$build_dir/bench/bench-handshake" 127.0.0.1 "$port" www.shop.example "$scratch/pki/root.pem" $made
    sweep csv
    counted bare "$build_dir/bench/bench-bare-hello" 127.0.0.0 "$port" www.shop.example $swept
    sweep ndjson
done

# --- memory: lists of endpoints that the owner forbids, so that nothing but the list and its results is at work -----------------

mkdir -p "$scratch/owner"
printf 'collectors: ["127.0.0.1:1"]\nallow: [192.0.2.1]\n' >"$scratch/owner/agent.yaml"
peak_kib() { # COUNT: of a list of so many
    seq -f "host%.0f.shop.example:443" "$1" >"$scratch/list"
    "$agent" sweep -f "$scratch/list" --state "$scratch/owner" --rate 1000000 --format csv >/dev/null 2>&1 &
    local pid=$! peak=0 now
    bench_pids+=($pid)
    while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
        peak=$now
        sleep 0.02
    done
    wait "$pid" || true
    echo "$peak"
}
small=$(peak_kib 10000) large=$(peak_kib 1000000)

figure() { spread <"$scratch/$1"; }
echo "endpoints a CPU second of the client; medians of $rounds interleaved runs (least..most)"
echo "each written as CSV $(figure sweep.csv), as NDJSON $(figure sweep.ndjson); full handshakes $(figure full)"
echo "bare sockets, of which nothing is recorded: $(figure bare)"
echo "peak memory: $small KiB for a list of 10,000 endpoints, $large KiB for one of 1,000,000"
row "reachability sweep (hello only)" "$(figure sweep.csv)/CPU s" "our full handshake: $(figure full)" \
    "$(ratio "$scratch/sweep.csv" "$scratch/full")" ">=" 7
row "the same, against bare sockets that send that hello and record nothing" "$(figure sweep.csv)/CPU s" "bare sockets: $(figure bare)" \
    "$(ratio "$scratch/sweep.csv" "$scratch/bare")" ">=" 0.6
row "peak memory of a sweep, 1,000,000 endpoints against 10,000" "$large KiB" "$small KiB" \
    "$(awk -v a="$large" -v b="$small" 'BEGIN { printf "%.2f", a / b }')" "<=" 1.2
finish
