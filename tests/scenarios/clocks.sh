#!/bin/bash
# Three agents whose wall clocks are wrong by +1 h, -1 h and 0 still meet at one endpoint at one moment, and the stored start times are
# the collector's. ROUNDS rounds, one a second. With 200 or more, the 99th percentile of the skew must be within the limit; a shorter run
# (default: 60), on a machine that has other things to do, judges the median, which a busy moment does not move.
. "$(dirname "$0")/lib.sh"

rounds=${ROUNDS:-60}
limit_ms=20

# Every accepted connection is recorded with the true time, on its way to a server that answers.
"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
port=$(free_port)
relays=()
for address in 127.0.2.1 127.0.2.2 127.0.2.3; do relays+=(reset-hello --listen "$address:$port" --to "$lab_blog"); done
start listener "$LAB_SERVER" --record "$work/accepted" "${relays[@]}"
wait_for 10 "the lab server" at_least 3 grep -c . "$work/logs/listener"

start_collector
for address in 127.0.2.1 127.0.2.2 127.0.2.3; do
    expect_exit 0 "$collector_program" site add "blog-at-$address" --plain "www.blog.example:$port@$address" --interval 1s --state "$state"
done

# Only wall clocks are faked. The library is loaded without the program "faketime", which would stay between us and the agent: what
# we stop is then not the agent. The sanitizer's library may come after it.
library=$(dpkg -L libfaketime | grep '/libfaketime\.so\.1$')
agent_program_true=$agent_program
for vantage in "fast-1 +1h" "slow-1 -1h" "true-1 +0s"; do
    read -r name offset <<<"$vantage"
    cat >"agent.$name" <<WRAPPER
#!/bin/bash
export ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$library FAKETIME=$offset FAKETIME_DONT_FAKE_MONOTONIC=1
exec "$agent_program_true" "\$@"
WRAPPER
    chmod +x "agent.$name"
    agent_program=$work/agent.$name
    enroll "$name" "${name%-1}" ""
    start_agent "$name"
done
wait_for 30 "three agents to connect" at_least 3 connected
ok "agents with wrong clocks enrol and connect"
hour_of_log() { grep -oE -m1 '^[0-9-]+T[0-9:]+' "logs/agent.$1" | sed 's/:[0-9]*$//'; }
[ "$(hour_of_log fast-1)" \> "$(hour_of_log true-1)" ] && [ "$(hour_of_log true-1)" \> "$(hour_of_log slow-1)" ] ||
    fail "the agents' own clocks are not wrong, so this proves nothing"
ok "their own logs are stamped $(hour_of_log fast-1), $(hour_of_log slow-1) and $(hour_of_log true-1)"
wait_for $((rounds * 2 + 60)) "$rounds rounds of three vantages" at_least "$rounds" full_rounds 3 3

# Skew: how far apart the first attempts of the vantages on one endpoint in one round started.
sql "CREATE TEMP TABLE skew AS
     SELECT round_id, endpoint_id, extract(epoch FROM max(start_at) - min(start_at)) * 1000 AS ms
     FROM attempt WHERE variant = 0 AND round_id IS NOT NULL GROUP BY 1, 2 HAVING count(DISTINCT vantage_id) = 3;
     COPY (SELECT count(DISTINCT round_id), count(*), round(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), 3),
           round(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms), 3), round(max(ms), 3) FROM skew) TO STDOUT" >skew
read -r in_rounds meetings p50 p99 most <skew
say "skew between vantages: $in_rounds rounds, $meetings meetings: median $p50 ms, 99th percentile $p99 ms, largest $most ms"
[ "$in_rounds" -ge "$rounds" ] || fail "only $in_rounds rounds"
judged="median" value=$p50
[ "$rounds" -lt 200 ] || judged="99th percentile" value=$p99
awk -v a="$value" -v b="$limit_ms" 'BEGIN { exit !(a <= b) }' || fail "the $judged of the skew is $value ms, more than $limit_ms ms"
ok "the $judged of the skew is at most $limit_ms ms"

# Truth: what the servers saw. No connection is accepted before the agent has asked for it. And the server notices it some time
# after that: in the best of a vantage's attempts that is about the time it takes to connect. (When the agent notices that it is
# connected says nothing: on a busy machine the server may have noticed first.)
sed -E 's/^([0-9]+) [^ ]*:([0-9]+) ([^ ]*):[0-9]+$/\1\t\2\t\3/' accepted >accepted.tsv
psql -X -q -A -t -F ' ' -v ON_ERROR_STOP=1 -h "$state/run" -p 5432 -U parallax -d postgres >truth <<'SQL'
CREATE TEMP TABLE accepted (at_us bigint, source_port integer, address inet);
\copy accepted from 'accepted.tsv'
-- a source port may come again seconds later: the nearest is the attempt's own
CREATE TEMP TABLE seen AS
    SELECT DISTINCT ON (a.vantage_id, a.sequence) v.name, a.start_error_us AS error_us, a.connect_us,
           s.at_us - extract(epoch FROM a.start_at) * 1000000 AS accepted_after_us
    FROM attempt a JOIN vantage v ON v.id = a.vantage_id
    JOIN accepted s ON s.source_port = a.source_port AND s.address = a.address
    ORDER BY a.vantage_id, a.sequence, abs(s.at_us - extract(epoch FROM a.start_at) * 1000000);
SELECT name, count(*), round(max(error_us)), count(*) FILTER (WHERE accepted_after_us < -error_us),
       count(*) FILTER (WHERE error_us = 0), round(min(accepted_after_us)), percentile_disc(0.5) WITHIN GROUP (ORDER BY connect_us),
       (min(accepted_after_us) <= max(error_us) + percentile_disc(0.5) WITHIN GROUP (ORDER BY connect_us))
FROM seen GROUP BY name ORDER BY name;
SQL
checked=0
while read -r name attempts error early unstated best connect agrees; do
    say "$name: $attempts attempts, error stated at most $error us, connected in $connect us (median), accepted $best us after the start at best"
    [ "$early" = 0 ] || fail "$name: $early attempts are said to have started after the server had accepted them"
    [ "$unstated" = 0 ] || fail "$name: $unstated attempts state no error"
    [ "$agrees" = t ] || fail "$name: start times are $best us before the truth, beyond the stated error of $error us"
    [ "$attempts" -ge "$rounds" ] || fail "$name: only $attempts attempts were matched"
    checked=$((checked + 1))
done <truth
equal "vantages whose start times agree with the truth within their stated error" "$checked" 3
