#!/bin/bash
# What a stalled handshake costs the client in memory of its own: 10,240 connections of one process at once, each connected and asked,
# to listeners that never answer; by a sweep, and by the engine of full handshakes. (The kernel's part, some KiB a socket, is the same
# for every client.)
# Must hold: 4 KiB each.
#   tests/bench/stalled.sh [ROUNDS]        5 rounds
. "$(dirname "$0")/begin.sh"
at_most 1 "$@"
. "$(dirname "$0")/lib.sh"
rounds=${1:-5} networks=5 each=2048 # addresses of a /21
stalled=$((networks * each))

need_built bin/parallax-agent
need_built bench/bench-stalled
need perl
ulimit -Sn "$(ulimit -Hn)" # of the listeners' clients
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt $((stalled + 100)) ] || give_up "at most $(ulimit -Hn) descriptors"
[ "$(cat /proc/sys/net/core/somaxconn)" -ge $((each + 1)) ] || give_up "net.core.somaxconn is below $((each + 1))"

# Listeners whose kernel takes connections and whose program takes none: the hello is acknowledged, and silence follows. A connection
# stays in the listener's queue when its client is gone, so there are new ones for each measurement.
listen() {
    read -r -a ports < <("$build_dir/lab/lab-server" ports $networks | tr '\n' ' '; echo)
    : >"$scratch/listening"
    perl -MIO::Socket::INET -e '
        my @held = map { IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => $_, Listen => 4096, ReuseAddr => 1) || die "$_: $!\n" } @ARGV;
        $| = 1; print "listening\n"; sleep' "${ports[@]}" >"$scratch/listening" &
    listener=$!
    bench_pids+=("$listener")
    for _ in $(seq 100); do [ ! -s "$scratch/listening" ] || return 0; sleep 0.05; done
    give_up "no listeners"
}
end() { kill "$1" 2>/dev/null || true; wait "$1" 2>/dev/null || true; }

anonymous_kib() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }
# Connections to the listeners of which they have the hello: it lies in their queues.
asked() { awk -v want="$(printf '%04X ' "${ports[@]}")" 'BEGIN { n = split(want, p, " "); for (i = 1; i <= n; i++) is[p[i]] = 1 }
    { split($2, at, ":"); split($5, queue, ":") } $4 == "01" && (at[2] in is) && queue[2] != "00000000" { count++ } END { print count + 0 }' /proc/net/tcp; }

# holds COUNT COMMAND...: $kib, the anonymous memory of the process once so many have sent their hello
holds() {
    local count=$1 pid
    shift
    "$@" >/dev/null 2>&1 &
    pid=$!
    bench_pids+=("$pid")
    for _ in $(seq 150); do
        sleep 0.2
        [ "$(asked)" -lt "$count" ] || break
    done
    [ "$(asked)" -ge "$count" ] || give_up "no $count connections"
    kib=$(anonymous_kib "$pid")
    end "$pid"
}

sweep() { # COUNT ENDPOINT...
    local count=$1
    shift
    holds "$count" "$build_dir/bin/parallax-agent" sweep "$@" --sni www.shop.example --rate 1000000 --concurrency $((stalled + 1)) --timeout 60s
}
handshake() { holds "$1" "$build_dir/bench/bench-stalled" "$1" "${ports[@]}"; } # COUNT

measure() { # NAME: one against all
    local alone endpoints=() i
    listen
    if [ "$1" = sweep ]; then sweep 1 "127.0.0.1:${ports[0]}"; else handshake 1; fi
    alone=$kib
    end "$listener"
    listen
    for i in "${!ports[@]}"; do endpoints+=("127.$((i + 2)).0.0/21:${ports[$i]}"); done
    if [ "$1" = sweep ]; then sweep $stalled "${endpoints[@]}"; else handshake $stalled; fi
    end "$listener"
    awk -v all="$kib" -v one="$alone" -v n=$((stalled - 1)) 'BEGIN { printf "%.3f\n", (all - one) / n }' >>"$scratch/$1"
    echo "round $round, $1: $kib KiB with $stalled stalled, $alone KiB with one"
}

for round in $(seq "$rounds"); do
    measure sweep
    measure handshake
done
row "user memory of a stalled handshake, $stalled at once: a sweep" "$(spread %.2f <"$scratch/sweep") KiB" "-" "$(median <"$scratch/sweep")" "<=" 4 KiB
row "the same, the engine of full handshakes" "$(spread %.2f <"$scratch/handshake") KiB" "-" "$(median <"$scratch/handshake")" "<=" 4 KiB
finish
