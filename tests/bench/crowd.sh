#!/bin/bash
# A crowd of agents on one collector, each with its own certificate and session, all reporting every ten seconds; then the same
# while the database stands still for a while.
# Must hold: no session is lost, every attempt is in the database once, and the collector's memory stays under 200 MB throughout.
#   tests/bench/crowd.sh [AGENTS [SECONDS]]       2000 agents for 300 s; a release build in PARALLAX_BUILD_DIR
. "$(dirname "$0")/begin.sh"
at_most 2 "$@"
. "$(dirname "$0")/../scenarios/lib.sh"
. "$source_dir/tests/bench/lib.sh"
agents=${1:-2000} seconds=${2:-300}
endpoints=${ENDPOINTS:-2} still=${STILL:-40}

ulimit -n "$(ulimit -Hn)"
start_collector
for n in $(seq "$endpoints"); do
    expect_exit 0 "$collector_program" site add "crowd$n" --plain "192.0.2.$n" --interval 10s --state "$state"
done
ca=$(openssl x509 -in "$state/pki/ca.pem" -noout -fingerprint -sha256 | sed 's/.*=//;s/://g' | tr A-F a-f)
psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$state/run" -p 5432 -U parallax -d postgres >"$work/tokens" <<SQL
CREATE TEMP TABLE made AS
    SELECT n, rtrim(translate(encode(decode(replace(gen_random_uuid()::text || gen_random_uuid(), '-', ''), 'hex'), 'base64'),
                              '+/', '-_'), '=') AS secret
    FROM generate_series(1, $agents) AS n;
INSERT INTO token (secret_sha256, vantage, region, asn, expires_at)
    SELECT sha256(secret::bytea), 'crowd-' || n, (ARRAY['hk', 'cn', 'eu', 'us'])[n % 4 + 1], 64512 + n % 40, now() + interval '1 hour'
    FROM made;
SELECT 'plx1.$ca.' || secret FROM made ORDER BY n;
SQL

resident_kb() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$collector_pid/status"; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$collector_pid/stat"; }
megabytes() { awk -v kb="$1" 'BEGIN { printf "%.1f MB", kb / 1024 }'; }

crowd_lines() { grep -c '^agents=' "$work/crowd" || true; }
figure() { grep -oE "(^| )$1=[0-9]+" <<<"$figures" | cut -d= -f2; }
watch_memory() { while resident_kb VmRSS >>"$work/$1.memory" 2>/dev/null; do sleep 1; done; }

# phase NAME: what the crowd and the collector did since the last one; $figures
phase() {
    local name=$1
    kill "$watcher" 2>/dev/null || true
    figures=$(tail -1 "$work/crowd")
    say "$name: $figures"
    say "$name: collector RSS at most $(megabytes "$(sort -n "$work/$name.memory" | tail -1)"), at the end $(megabytes "$(tail -1 "$work/$name.memory")"); CPU $(awk -v t=$(($(cpu_ticks) - ticks)) -v hz="$(getconf CLK_TCK)" -v s=$((SECONDS - began)) 'BEGIN { printf "%.1f %% of one core", t / hz / s * 100 }'), $(awk -v t=$(($(cpu_ticks) - ticks)) -v hz="$(getconf CLK_TCK)" -v n="$(figure attempts)" 'BEGIN { printf "%.2f ms an attempt", (n > 0 ? t * 1000 / hz / n : 0) }')"
}

begin_phase() {
    ticks=$(cpu_ticks) began=$SECONDS
    watch_memory "$1" &
    watcher=$!
    pids+=("$watcher")
}

say "collector before anybody came: RSS $(megabytes "$(resident_kb VmRSS)")"
began=$SECONDS
"$build_dir/bench/bench-crowd" "$collector_port" "$work/tokens" >"$work/crowd" 2>"$work/logs/crowd" &
crowd=$!
pids+=("$crowd")
until grep -q '^ready' "$work/crowd"; do
    ! gone "$crowd" || { tail -5 "$work/logs/crowd" >&2; fail "the crowd ended early"; }
    [ $((SECONDS - began)) -lt 600 ] || { tail -5 "$work/logs/crowd" >&2; fail "the crowd does not get in"; }
    sleep 0.5
done
say "$agents agents enrolled and welcomed in $((SECONDS - began)) s; collector RSS $(megabytes "$(resident_kb VmRSS)")"

begin_phase steady
sleep "$seconds"
kill -USR1 "$crowd"
wait_for 30 "figures" at_least 1 crowd_lines
phase steady
p50=$(figure ack_p50_ms) p99=$(figure ack_p99_ms) made=$(figure attempts)

# Nobody can commit while another holds the cursors.
begin_phase still
sql "BEGIN; LOCK TABLE vantage_cursor IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep($still)" >/dev/null
kill -TERM "$crowd"
status=0
wait "$crowd" || status=$?
phase still
made=$((made + $(figure attempts)))

[ "$status" = 0 ] || { tail -5 "$work/logs/crowd" >&2; fail "sessions were lost or refused, or not all was acknowledged"; }
equal "attempts in the database" "$(sql 'SELECT count(*) FROM attempt')" "$made"
equal "of them different" "$(sql 'SELECT count(*) FROM (SELECT DISTINCT vantage_id, sequence FROM attempt) AS d')" "$made"
say "ack p50 $p50 ms, p99 $p99 ms, no session lost"
peak=$(awk -v kb="$(resident_kb VmHWM)" 'BEGIN { printf "%.1f", kb / 1024 }')
row "peak memory of a collector with $agents agents, its database standing still for $still s" "$peak MB" - "$peak" "<=" 200 MB
finish
