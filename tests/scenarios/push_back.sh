#!/bin/bash
# A database that stands still: what waits for it has a ceiling, at which the collector stops reading from all agents, so that their
# records stay with them. Nothing is lost, nothing is doubled, no session ends, and memory stays where it was. Then: a collector that may
# open few files lets as many in as it can, says so of the others, and does not spin.
. "$(dirname "$0")/lib.sh"
liar=$build_dir/lab/lab-liar

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
metrics_port=$(free_port)
start_collector --metrics "127.0.0.1:$metrics_port"
expect_exit 0 "$collector_program" site add blog --plain "www.blog.example:${lab_blog##*:}@${lab_blog%:*}" --interval 1s --state "$state"
for name in honest pour-1 pour-2 pour-3; do enroll "$name" hk 64500; done
start_agent honest
wait_for 60 "a round" at_least 1 full_rounds 1 1

get() { curl -sS --max-time 10 "http://127.0.0.1:$metrics_port/metrics"; }
pushing_back() { [ "$(get | awk '$1 == "parallax_pushing_back" { print $2 }')" = "$1" ]; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$collector_pid/status"; }
logged() { grep -cE -- "$1" "$work/logs/collector" || true; }

pours=()
for n in 1 2 3; do
    start pour-$n timeout 100 "$liar" "$collector_port" pour "$work/agents/pour-$n"
    pours+=("$started")
done
wait_for 20 "those who will pour" at_least 3 logged 'session pour-.: open'
before_kb=$(rss_kb)
psql -X -q -A -t -h "$state/run" -p 5432 -U parallax -d postgres >/dev/null <<'SQL' &
BEGIN; LOCK TABLE attempt IN EXCLUSIVE MODE; SELECT pg_sleep(36); COMMIT;
SQL
lock_pid=$!
sleep 2 # each knows a round by now
for n in 1 2 3; do : >"agents/pour-$n/go"; done

wait_for 12 "the collector to push back" pushing_back 1
full_kb=$(rss_kb)
at_least 1 logged '32 MiB wait for the database: nothing is read from agents' || fail "it does not say so"
sleep 3
say "resident memory: $before_kb KiB before, $full_kb KiB when it pushes back, $(rss_kb) KiB three seconds later"
[ $(($(rss_kb) - full_kb)) -le 16384 ] || fail "it goes on growing"
pushing_back 1 || fail "it does not push back any more, while the database stands still"
equal "records stored meanwhile" "$(for n in 1 2 3; do cat "logs/pour-$n"; done)" ""
wait "$lock_pid" # longer than an agent waits for a sign of life (24 s): it goes on getting one
for n in 1 2 3; do
    wait_for 60 "pour-$n to end" gone "${pours[n - 1]}"
    equal "pour-$n" "$(<logs/pour-$n)" "acknowledged 1632"
done
wait_for 20 "the collector to read again" pushing_back 0
equal "records of those who poured" "$(sql "SELECT count(*) || ' ' || count(DISTINCT (vantage_id, sequence)) FROM attempt a
    JOIN vantage v ON v.id = a.vantage_id WHERE v.name <> 'honest'")" "4896 4896"
wait_for 20 "the honest agent to go on" at_least $(($(full_rounds 1 1) + 2)) full_rounds 1 1
equal "sessions of the honest agent" "$(logged 'session honest: open')" 1
equal "sessions that were sent away" "$(logged 'refused:')" 0
stop "$agent_pid"
sleep 1
equal "rounds that the honest agent missed" "$(sql "SELECT count(*) FROM round r WHERE interval_s > 0 AND deadline_at < now()
    AND r.id > (SELECT min(round_id) FROM attempt) AND r.id < (SELECT max(round_id) FROM attempt)
    AND NOT EXISTS (SELECT FROM attempt a JOIN vantage v ON v.id = a.vantage_id WHERE a.round_id = r.id AND v.name = 'honest')")" 0
stop "$collector_pid"

# --- few files -----------------------------------------------------------------------------------------------------------------------------
start collector bash -c 'ulimit -n 128; exec "$@"' bash "$collector_program" serve --state "$state" --listen "127.0.0.1:$collector_port" \
    --metrics "127.0.0.1:$metrics_port"
collector_pid=$started
wait_for 60 "the collector to listen again" listening_or_dead "$collector_port" "$collector_pid"
! gone "$collector_pid" || fail "the collector ended"
at_least 1 logged 'room for 32 sessions: only 128 files may be open' || fail "it does not say how many it has room for"
cpu() { awk '{ print $14 + $15 }' "/proc/$collector_pid/stat"; }
mkfifo hold
"$liar" "$collector_port" crowd 60 <hold >crowd 2>&1 &
pids+=("$!")
exec {hold}>hold
wait_for 30 "the crowd" test -s crowd
equal "strangers that came in" "$(<crowd)" 32
start_cpu=$(cpu)
sleep 2
say "processor time while it is full: $(($(cpu) - start_cpu)) ticks in two seconds"
[ $(($(cpu) - start_cpu)) -lt 100 ] || fail "it spins"
get >/dev/null || fail "/metrics does not answer"
equal "refused for want of room" "$(get | awk '$1 == "parallax_peers_refused_total{reason=\"session-limit\"}" { print $2 }')" 28
at_least 1 logged 'connection from 127.0.1.2: refused: session-limit' || fail "it is not logged"
exec {hold}>&-
start_agent honest
wait_for 30 "the honest agent to be back" at_least 2 logged 'session honest: open'
ok "when the crowd is gone there is room again"
