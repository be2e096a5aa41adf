#!/bin/bash
# A spool without room: the newest results are refused and counted by endpoint, and the counts arrive. What is stored and what is
# counted add up to what the agent has made.
. "$(dirname "$0")/lib.sh"

sites=150
status_of() { "$agent_program" spool status --state agents/hk-1 --format json | jq -r "$1"; }

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
start_collector
{
    echo site,role,target,interval
    for n in $(seq 2 2 $sites); do # connections to one address are few, so two
        echo "a$n,plain,www.blog.example:${lab_blog##*:}@${lab_blog%:*},1s"
        echo "b$n,plain,www.shop.example:${lab_shop_origin##*:}@${lab_shop_origin%:*},1s"
    done
} >sites.csv
enroll hk-1 hk 9304
printf '%s\n' 'spool_mib: 1' 'address_burst: 1000' >>agents/hk-1/agent.yaml
start_agent hk-1
hk_pid=$agent_pid
connected_once() { grep -q 'connected to' logs/agent.hk-1; }
wait_for 30 "the agent to connect" connected_once

# No result is taken while this row is locked; rounds are planned all the same.
psql -X -q -h "$state/run" -p 5432 -U parallax -d postgres >logs/lock 2>&1 <<SQL &
BEGIN; SELECT committed FROM vantage_cursor FOR UPDATE; SELECT pg_sleep(600);
SQL
lock_pid=$!
pids+=("$lock_pid")
expect_exit 0 "$collector_program" site import sites.csv --state "$state"
full() { at_least $((1 << 20)) status_of .used_bytes; }
wait_for 60 "the spool to be full" full
rounds() { grep -c ' round [0-9]*: ' logs/agent.hk-1; }
wait_for 60 "rounds without room" at_least $(($(rounds) + 5)) rounds
# Each report that is kept takes the counts along, so what is shown is what no report tells of yet.
seen_dropped() {
    run "$agent_program" spool status --state agents/hk-1
    grep -qE '^[0-9]+ results wait for the collector; [0-9]+ had no room and were dropped since the last report$' <<<"$out"
}
wait_for 30 "results that no report tells of" seen_dropped
expect_output "[0-9.]+ of 1 MiB in use"
expect_output "dropped +[0-9]+ of endpoint [0-9]+"
ok "$(head -1 <<<"$out")"

# The agent ends in good order and starts again: the counts go out with reports, of before and after.
sql "UPDATE site SET interval_s = 5" >logs/slow
stop "$hk_pid"
before=$(status_of .dropped)
equal "what was counted, by endpoint" "$(status_of '[.dropped_at[].count] | add // 0')" "$before"
sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()" >logs/unlock
start_agent hk-1
hk_pid=$agent_pid
told() { [ "$(status_of .dropped)" = 0 ]; }
wait_for 120 "the counts to be told" told
stop "$hk_pid"

# What waits is delivered; rounds go on meanwhile, so they are ended first.
sql "UPDATE site SET interval_s = 86400" >logs/sites
start_agent hk-1
hk_pid=$agent_pid
emptied() { [ "$(status_of .waiting)" = 0 ]; }
wait_for 120 "the spool to be empty" emptied
stop "$hk_pid"
equal "dropped and not told of" "$(status_of .dropped)" 0
equal "waiting" "$(status_of .waiting)" 0

rounds=$(grep -c ' round [0-9]*: ' logs/agent.hk-1)
made=$(sed -nE 's/.* round [0-9]+: ([0-9]+) attempts.*/\1/p' logs/agent.hk-1 | awk '{ n += $1 } END { print n + 0 }')
late=$(sed -nE 's/.* round [0-9]+: .* ([0-9]+) late.*/\1/p' logs/agent.hk-1 | awk '{ n += $1 } END { print n + 0 }')
stored=$(sql "SELECT count(*) FROM attempt")
counted=$(sql "SELECT sum(count) FROM dropped")
say "$rounds rounds: $made attempts made, $late slots late; $stored stored, $counted counted as dropped"
[ "$counted" -ge $sites ] || fail "too few were dropped, so this proves nothing"
equal "stored and dropped" $((stored + counted)) "$made"
equal "dropped as the rounds have it" "$(sql "SELECT sum(dropped) FROM round_vantage")" "$counted"
equal "dropped of endpoints that are not told apart" "$(sql "SELECT count(*) FROM dropped WHERE endpoint_id = 0")" 0
# Each endpoint had one attempt a round, but for slots that came too late and attempts that were made again.
again=$((made + late - rounds * sites))
made_at() { # COMPARISON: endpoints of which the attempts stored and dropped compare so with the rounds
    sql "SELECT count(*) FROM (SELECT e.id, (SELECT count(*) FROM attempt a WHERE a.endpoint_id = e.id)
         + coalesce((SELECT sum(count) FROM dropped d WHERE d.endpoint_id = e.id), 0) AS made FROM endpoint e) AS m WHERE made $1 $rounds"
}
[ "$(made_at '<')" -le "$late" ] || fail "$(made_at '<') endpoints have fewer attempts than rounds, with $late slots late"
[ "$(made_at '>')" -le "$again" ] || fail "$(made_at '>') endpoints have more attempts than rounds, with $again made again"
ok "endpoints with fewer attempts than rounds: $(made_at '<') ($late slots late); with more: $(made_at '>') ($again made again)"

run "$collector_program" report vantages --state "$state" --format json
equal "dropped in the report" "$(jq -r '.. | .dropped? // empty' <<<"$out" | head -1)" "$counted"
expect_exit 0 "$collector_program" vantage show hk-1 --state "$state"
expect_output "dropped +$counted"
