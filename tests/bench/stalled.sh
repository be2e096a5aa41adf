#!/bin/bash
# What a stalled handshake costs the client in memory of its own: 10,240 connections of one sweep at once, each connected and asked,
# to listeners that never answer. (The kernel's part, some KiB a socket, is the same for every client.)
# Must hold: 4 KiB each.
#   tests/bench/stalled.sh [ROUNDS]        5 rounds
. "$(dirname "$0")/lib.sh"
rounds=${1:-5} networks=5 each=2048 # addresses of a /21
stalled=$((networks * each))

need_built bin/parallax-agent
need perl
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt $((stalled + 100)) ] || give_up "at most $(ulimit -Hn) descriptors"
[ "$(cat /proc/sys/net/core/somaxconn)" -ge $((each + 1)) ] || give_up "net.core.somaxconn is below $((each + 1))"

# Listeners whose kernel takes connections and whose program takes none: the hello is acknowledged, and silence follows.
read -r -a ports < <("$build_dir/lab/lab-server" ports $networks | tr '\n' ' '; echo)
perl -MIO::Socket::INET -e '
    my @held = map { IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => $_, Listen => 4096, ReuseAddr => 1) || die "$_: $!\n" } @ARGV;
    $| = 1; print "listening\n"; sleep' "${ports[@]}" >"$scratch/listening" &
bench_pids+=($!)
for _ in $(seq 100); do [ ! -s "$scratch/listening" ] || break; sleep 0.1; done
[ -s "$scratch/listening" ] || give_up "no listeners"

anonymous_kib() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }

# holds COUNT ENDPOINT...: $kib, the anonymous memory of a sweep that has so many connections open
holds() {
    local count=$1 pid
    shift
    "$build_dir/bin/parallax-agent" sweep "$@" --sni www.shop.example --rate 1000000 --concurrency $((stalled + 1)) --timeout 60s >/dev/null &
    pid=$!
    bench_pids+=($pid)
    for _ in $(seq 300); do
        [ "$(find "/proc/$pid/fd" -lname 'socket:*' 2>/dev/null | wc -l)" -lt "$count" ] || break
        sleep 0.1
    done
    sleep 1 # until every hello is out
    [ "$(find "/proc/$pid/fd" -lname 'socket:*' | wc -l)" -ge "$count" ] || give_up "no $count connections"
    kib=$(anonymous_kib "$pid")
    kill -INT "$pid"
    wait "$pid" || true
}

endpoints=()
for i in "${!ports[@]}"; do endpoints+=("127.$((i + 2)).0.0/21:${ports[$i]}"); done
for round in $(seq "$rounds"); do
    holds 1 "127.0.0.1:${ports[0]}"
    alone=$kib
    holds $stalled "${endpoints[@]}"
    awk -v all="$kib" -v one="$alone" -v n=$stalled 'BEGIN { printf "%.3f\n", (all - one) / n }' >>"$scratch/each"
    echo "round $round: $kib KiB with $stalled stalled, $alone KiB with one"
done
row "user memory of a stalled handshake, $stalled at once" "$(spread %.2f <"$scratch/each") KiB" "-" "$(median <"$scratch/each")" "<=" 4 KiB
finish
