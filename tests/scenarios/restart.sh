#!/bin/bash
# The collector is killed during rounds and started again, then an agent is: agents reconnect by themselves, rounds go on, what was
# spooled arrives, and nothing is stored twice.
. "$(dirname "$0")/lib.sh"

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
start_collector
expect_exit 0 "$collector_program" site add blog --plain "www.blog.example:${lab_blog##*:}@${lab_blog%:*}" --interval 1s --state "$state"
expect_exit 0 "$collector_program" site add shop --plain "$lab_shop_origin" --interval 1s --state "$state"
names=(hk-1 cn-1 us-1)
for name in "${names[@]}"; do enroll "$name" "${name%-*}" 64500; done
declare -A pid
for name in "${names[@]}"; do start_agent "$name"; pid[$name]=$agent_pid; done
wait_for 60 "three rounds of three vantages" at_least 3 full_rounds 3 2

attempts() { sql "SELECT count(*) FROM attempt"; }
last_round() { sql "SELECT max(round_id) FROM attempt"; }
doubled() { sql "SELECT count(*) FROM (SELECT 1 FROM attempt GROUP BY vantage_id, sequence HAVING count(*) > 1) AS d"; }
beyond_cursor() {
    sql "SELECT count(*) FROM attempt a JOIN vantage_cursor c USING (vantage_id) WHERE a.sequence > c.committed"
}
# Attempts that a vantage reported for a round and that are not in the database. There may be more than reported: what an agent
# spooled before it was killed is stored too, and the report is of the life that ended the round.
lost() {
    sql "SELECT coalesce(sum(greatest(0, v.attempts - (SELECT count(*) FROM attempt a
                                                       WHERE a.round_id = v.round_id AND a.vantage_id = v.vantage_id))), 0)
         FROM round_vantage v WHERE v.reported_at IS NOT NULL"
}
exactly_once() {
    equal "sequences stored twice" "$(doubled)" 0
    equal "attempts beyond their vantage's cursor" "$(beyond_cursor)" 0
    equal "attempts reported and not stored" "$(lost)" 0
}

for again in 1 2 3; do
    before=$(last_round)
    stop "$collector_pid" KILL
    ok "killed the collector, time $again, after round $before"
    # the rounds that were already pushed are made meanwhile, into the spools
    start_collector
    wait_for 60 "three agents to reconnect" at_least 3 connected
    rounds_after() { sql "SELECT count(*) FROM (SELECT a.round_id FROM attempt a WHERE a.round_id > $before GROUP BY 1 HAVING count(DISTINCT vantage_id) = 3) AS r"; }
    wait_for 60 "three more rounds of three vantages" at_least 3 rounds_after
    exactly_once
done

for name in "${names[@]}"; do
    stop "${pid[$name]}" KILL
    before=$(last_round)
    start_agent "$name"
    pid[$name]=$agent_pid
    from_it() { sql "SELECT count(*) FROM attempt a JOIN vantage v ON v.id = a.vantage_id WHERE v.name = '$name' AND a.round_id > $before"; }
    wait_for 60 "$name to go on" at_least 2 from_it
    ok "killed $name; it goes on"
done
exactly_once

# With the collector away, results wait in the spool, and arrive when it is back.
stop "$collector_pid" TERM
[ ! -f "$state/pg/postmaster.pid" ] || fail "the database still runs"
start_collector
wait_for 60 "three agents to reconnect" at_least 3 connected
before=$(last_round)
wait_for 60 "more rounds" at_least 2 rounds_after
exactly_once

# Whatever an agent says it has made is there, also what it made while there was no collector.
made_by() { sed -nE 's/.* round [0-9]+: ([0-9]+) attempts.*/\1/p' "logs/agent.$1" | awk '{ n += $1 } END { print n + 0 }'; }
stored_of() { sql "SELECT count(*) FROM attempt a JOIN vantage v ON v.id = a.vantage_id WHERE v.name = '$1'"; }
for name in "${names[@]}"; do
    made=$(made_by "$name")
    [ "$made" -gt 0 ] || fail "the log of $name counts no attempts, so this proves nothing"
    wait_for 30 "all $made attempts of $name" at_least "$made" stored_of "$name"
    ok "all $made attempts that $name has logged are stored"
done
say "$(attempts) attempts in the end"
