#!/bin/bash
# Two collectors on one database, and agents that know both: rounds reach the agents of either; a collector that is killed, hangs, or
# is cut off costs neither rounds nor results; two agents with one identity do not mix.
. "$(dirname "$0")/lib.sh"

now_ms() { date +%s%3N; }
seconds() { printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100)); }
# timed SECONDS WHAT COMMAND...: as wait_for; how long it took into $took (ms)
timed() {
    local begun
    begun=$(now_ms)
    wait_for "$@"
    took=$(($(now_ms) - begun))
}
logged() { grep -qE -- "$2" "$work/logs/$1"; } # NAME REGEX
last_port() { grep -oE 'connected to [^ ]+ port [0-9]+' "logs/agent.$1" | tail -1 | grep -oE '[0-9]+$'; }
is_at() { [ "$(last_port "$1")" = "$2" ]; } # AGENT PORT

# --- the second collector -------------------------------------------------------------------------------------------------------
"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
start_collector --metrics off
add_lab_sites
db="host=$state/run port=5432 user=parallax dbname=postgres"
second_port=$(free_port)
start_second() {
    start second "$collector_program" serve --state "$work/second" --db "$db" --listen "127.0.0.1:$second_port" --metrics off
    second_pid=$started
    wait_for 60 "the second collector to listen" listening_or_dead "$second_port" "$second_pid"
    ! gone "$second_pid" || fail "the second collector ended"
}
refused 3 "have another certificate authority .*copy pki/ca.key and pki/ca.pem from the state folder .* into $work/second/pki" \
    "$collector_program" serve --state "$work/second" --db "$db" --listen "127.0.0.1:$second_port" --metrics off
rm -r second/pki
cp -r -p "$state/pki" second/
start_second

# --- agents of both ------------------------------------------------------------------------------------------------------------
enroll_with() { # NAME COLLECTORS
    local token
    token=$(new_token "$1" "${1%-*}" "")
    "$agent_program" enroll --state "$work/agents/$1" --collector "$2" --token "$token" --allow 127.0.0.0/8 --port any >>"logs/enroll.$1" 2>&1
}
link_port=$(free_port)
mkfifo link.control
start link "$build_dir/lab/lab-link" "$link_port" "$second_port" "$work/link.control"
wait_for 10 "the link" listening "$link_port"
first=127.0.0.1:$collector_port second=127.0.0.1:$second_port
enroll_with hk-1 "$first,$second"
enroll_with cn-1 "$second,$first"
enroll_with us-1 "127.0.0.1:$link_port,$first"
enroll_with jp-1 "$first"
cp -r agents/jp-1 agents/copy
sed -i "s/$first/$second/" agents/copy/agent.yaml
grep -q "$second" agents/copy/agent.yaml || fail "the copy has no other collector"
declare -A agent
for name in hk-1 cn-1 us-1 jp-1; do
    start_agent "$name"
    agent[$name]=$agent_pid
done
wait_for 60 "three rounds of all" at_least 3 full_rounds 4 7
equal "vantages of each collector" "$(sql "SELECT string_agg(n::text, ' ') FROM (SELECT count(*) AS n FROM vantage GROUP BY collector_id) AS v")" "2 2"
equal "collectors that plan" "$(cat logs/collector logs/second | grep -c 'this collector plans the rounds')" 1
logged collector 'this collector plans the rounds' || fail "the first collector does not lead"

probe_through() { # WHO [options]
    local who=$1 name
    shift
    expect_exit 0 "$collector_program" probe blog --format json "$@"
    for name in hk-1 cn-1 us-1 jp-1; do expect_output "\"$name\""; done
    ok "probe through the $who collector: answers of all four"
}
probe_through first --state "$state"
probe_through second --state "$work/second" --db "$db"

# --- a connection whose other end is gone ----------------------------------------------------------------------------------------
is_at us-1 "$link_port" || fail "us-1 is not at the second collector"
echo "deaf both" >link.control
deaf_ms=$(now_ms)

# --- meanwhile: one identity, two agents -----------------------------------------------------------------------------------------
start agent.copy "$agent_program" run --state "$work/agents/copy"
copy_pid=$started
wait_for 20 "the copy to be welcomed" logged agent.copy "connected to"
timed 10 "the older one to be told" logged agent.jp-1 'another agent uses the identity of this vantage.*next try in ([6-9][0-9]|1[0-9][0-9])\.'
ok "the older of two agents of one identity is told, $(seconds $took) after the newer one was welcomed: $(grep 'another agent' logs/agent.jp-1)"
logged collector 'session jp-1: .* replaced by a newer one at another collector' || fail "the collector does not say so"
stop "$copy_pid"
stop "${agent[jp-1]}"
start_agent jp-1
agent[jp-1]=$agent_pid
wait_for 20 "jp-1 to be back" at_least 2 grep -c "connected to" logs/agent.jp-1

wait_for 30 "us-1 to find another way" is_at us-1 "$collector_port"
took=$(($(now_ms) - deaf_ms))
[ $took -le 60000 ] || fail "a silent connection is given up after $(seconds $took)"
ok "a connection that goes silent is given up and another collector found after $(seconds $took)"
echo "forget" >link.control

# --- the one that leads is killed ------------------------------------------------------------------------------------------------
longest_gap() { # SINCE: between the starts of rounds that follow each other
    sql "SELECT coalesce(max(extract(epoch FROM gap)), 0)::numeric(9, 1) FROM (SELECT start_at - lag(start_at) OVER (ORDER BY start_at) AS gap
         FROM round WHERE interval_s = 1 AND start_at > '$1'::timestamptz - interval '6 s') AS g"
}
# Rounds that began after a moment, in which so many vantages have probed all endpoints
whole_since() { # SINCE VANTAGES
    sql "SELECT count(*) FROM (SELECT a.round_id FROM attempt a JOIN round r ON r.id = a.round_id
         WHERE r.interval_s > 0 AND a.variant = 0 AND r.start_at > '$1' GROUP BY a.round_id
         HAVING count(DISTINCT (a.vantage_id, a.endpoint_id)) >= $2 * 7) AS f"
}
shown_connected() { sql "SELECT count(*) FROM vantage WHERE name = '$1' AND connected_since IS NOT NULL"; }
not_shown() { [ "$(shown_connected jp-1)" = 0 ]; }
gap_is_bounded() { # WHAT SINCE
    local gap
    gap=$(longest_gap "$2")
    ok "$1: the longest time between two rounds of the interval of 1 s is $gap s"
    [ "${gap%.*}" -lt 20 ] || fail "that is too long"
}
killed_at=$(sql "SELECT now()")
kill -KILL "$collector_pid"
killed_ms=$(now_ms)
wait "$collector_pid" 2>/dev/null || true
for name in hk-1 us-1; do
    wait_for 20 "$name to fail over" is_at "$name" $([ $name = hk-1 ] && echo "$second_port" || echo "$link_port")
    ok "$name is with the second collector $(seconds $(($(now_ms) - killed_ms))) after the first was killed"
done
wait_for 30 "the second collector to plan" logged second 'this collector plans the rounds'
ok "the second collector plans after $(seconds $(($(now_ms) - killed_ms)))"
wait_for 30 "rounds of three" at_least 5 whole_since "$killed_at" 3
wait_for 30 "the vantage of a dead collector to be away" not_shown
ok "a vantage whose collector died is shown as away after $(seconds $(($(now_ms) - killed_ms)))"
equal "the others" "$(connected)" 3
gap_is_bounded "killed" "$killed_at"
probe_three() {
    expect_exit 0 "$collector_program" probe blog --format json --state "$work/second" --db "$db"
    for name in hk-1 cn-1 us-1; do expect_output "\"$name\""; done
    ok "probe while the first collector is dead: answers of three"
}
probe_three

# --- the one that leads hangs -------------------------------------------------------------------------------------------------------
start_collector --metrics off
wait_for 70 "jp-1 to come back" at_least 1 shown_connected jp-1
hung_at=$(sql "SELECT now()")
kill -STOP "$second_pid"
hung_ms=$(now_ms)
leads_again() { [ "$(grep -c 'this collector plans the rounds' logs/collector)" = 2 ]; }
wait_for 30 "the first collector to plan again" leads_again
ok "the first collector plans again $(seconds $(($(now_ms) - hung_ms))) after the second hangs"
for name in hk-1 cn-1 us-1; do
    wait_for 40 "$name to leave the collector that hangs" is_at "$name" "$collector_port"
    ok "$name has left the collector that hangs after $(seconds $(($(now_ms) - hung_ms)))"
done
kill -CONT "$second_pid"
wait_for 30 "rounds of all" at_least 3 whole_since "$(sql 'SELECT now()')" 4
gap_is_bounded "hung" "$hung_at"
equal "collectors that plan now" "$(sql "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND (classid::bigint << 32) + objid::bigint = 31637079312752750 AND granted")" 1
equal "live ones" "$(sql "SELECT count(*) FROM collector")" 2
grep -h "another agent" logs/agent.hk-1 logs/agent.cn-1 logs/agent.us-1 && fail "an agent takes itself for another" || true

# --- revoked by way of the other collector --------------------------------------------------------------------------------------------
begun=$(now_ms)
expect_exit 0 "$collector_program" vantage revoke cn-1 --state "$work/second" --db "$db"
revoked_ms=$(now_ms)
wait_for 5 "cn-1 to end" gone "${agent[cn-1]}"
ok "a session with the other collector is cut $(seconds $(($(now_ms) - revoked_ms))) after the revoking verb has ended ($(seconds $(($(now_ms) - begun))) after it began)"
status=0
wait "${agent[cn-1]}" || status=$?
equal "exit code of the revoked agent" $status 3

# --- and nothing is doubled ------------------------------------------------------------------------------------------------------------
for name in hk-1 us-1 jp-1; do stop "${agent[$name]}"; done
equal "rounds planned twice" "$(sql "SELECT count(*) - count(DISTINCT (interval_s, start_at)) FROM round WHERE interval_s > 0")" 0
equal "results stored twice, of $(sql 'SELECT count(*) FROM attempt')" "$(sql 'SELECT count(*) - count(DISTINCT (vantage_id, sequence)) FROM attempt')" 0
