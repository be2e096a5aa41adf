#!/bin/bash
# Which network a vantage is in: as its address says in the network database, else as its operator says, else not known.
. "$(dirname "$0")/lib.sh"

perl "$source_dir/tests/lab/mmdb.pl" here.mmdb 6 \
    127.0.0.0/8 '{"autonomous_system_number": 64501, "country": {"iso_code": "HK"}}' ::1/128 '{"autonomous_system_number": 64502}'
perl "$source_dir/tests/lab/mmdb.pl" elsewhere.mmdb 6 198.51.100.0/24 '{"autonomous_system_number": 64503}'

# A file that cannot be used stops the start, before anything else happens.
collector_port=$(free_port)
serve() { "$collector_program" serve --state "$state" --listen "[::]:$collector_port" "$@"; }
head -c 400 here.mmdb >cut.mmdb
: >empty.mmdb
printf 'AS64501,127.0.0.0/8\n' >table.mmdb
for file in missing cut empty table; do
    refused 3 "cannot read the network database $work/$file.mmdb: " serve --mmdb "$work/$file.mmdb"
done
refused 3 "cannot read the network database $work: " serve --mmdb "$work"
[ ! -e "$state/pg" ] || fail "the database was started first"

networks() { # of all vantages, in the order of their names
    sql "SELECT string_agg(concat_ws(' ', name, coalesce(asn::text, 'unknown'), prefix, country), ', ' ORDER BY name) FROM vantage"
}

agents=()
start_agents() { for name in given none six; do start_agent $name; agents+=("$agent_pid"); done; wait_for 30 "three agents" at_least 3 connected; }
restart() { # [options of serve]
    for pid in "${agents[@]}"; do stop "$pid"; done
    agents=()
    stop "$collector_pid"
    start_collector --listen "[::]:$collector_port" "$@"
    start_agents
}

start_collector --listen "[::]:$collector_port" --mmdb "$work/here.mmdb"
enroll given hk 9304
enroll none hk ""
token=$(new_token six hk 9304)
"$agent_program" enroll --state agents/six --collector "[::1]:$collector_port" --token "$token" --allow 127.0.0.0/8 --port any >logs/enroll.six 2>&1
equal "networks before the first session" "$(networks)" "given 9304, none unknown, six 9304"
start_agents
equal "networks by address" "$(networks)" "given 64501 127.0.0.0/8 HK, none 64501 127.0.0.0/8 HK, six 64502 ::1/128"

# What is stored with the attempts, and what reports filter by, is the same.
expect_exit 0 "$collector_program" site add closed --plain "127.0.0.1:$(free_port)" --interval 1s --state "$state"
stored() { sql "SELECT count(DISTINCT vantage_id) FROM attempt"; }
wait_for 30 "an attempt of each vantage" at_least 3 stored
equal "networks of attempts" "$(sql "SELECT string_agg(DISTINCT name || ' ' || a.asn, ', ') FROM attempt a JOIN vantage v ON v.id = vantage_id")" \
    "given 64501, none 64501, six 64502"
expect_exit 0 "$collector_program" report vantages --asn 64502 --format csv --state "$state"
expect_output "six"
[[ $out != *given* ]] || fail "--asn 64502 shows a vantage of 64501"
ok "report vantages --asn shows who is there"
expect_exit 0 "$collector_program" site rm closed --state "$state"

restart --mmdb "$work/elsewhere.mmdb"
equal "networks of addresses that are not in the file" "$(networks)" "given 9304, none unknown, six 9304"
restart
equal "networks without a file" "$(networks)" "given 9304, none unknown, six 9304"
expect_exit 0 "$collector_program" vantage show none --format json --state "$state"
equal "the network that nobody knows, in JSON" "$(jq -c '[.. | objects | select(has("asn")).asn]' <<<"$out")" "[null]"
