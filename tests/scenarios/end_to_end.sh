#!/bin/bash
# The seed story from one end to the other: lab servers, three agents, a collector, PostgreSQL, and what the reports say.
. "$(dirname "$0")/lib.sh"

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca

start_collector
add_lab_sites
expect_exit 0 "$collector_program" site list --state "$state"
for site in blog shop wiki api; do expect_output "$site"; done
ok "four sites are listed"

enroll hk-1 hk 9304 --source "$lab_hk"
enroll cn-1 cn 4837 --source "$lab_cn"
enroll us-1 overseas 14061 --source "$lab_overseas"
for name in hk-1 cn-1 us-1; do start_agent $name; done
wait_for 30 "three agents to connect" at_least 3 connected
wait_for 90 "five rounds of three vantages" at_least 5 full_rounds 3 7

# What is stored is what happened.
outcomes() { # VANTAGE SITE ROLE
    sql "SELECT string_agg(DISTINCT a.class::text, ',') FROM attempt a JOIN vantage v ON v.id = a.vantage_id
         JOIN endpoint e ON e.id = a.endpoint_id JOIN site s ON s.id = e.site_id
         WHERE v.name = '$1' AND s.name = '$2' AND e.role = $3"
}
plain=0 edge=1 origin=2
for vantage in hk-1 cn-1 us-1; do
    equal "blog from $vantage (0: ok)" "$(outcomes $vantage blog $plain)" 0
    equal "origin of shop from $vantage" "$(outcomes $vantage shop $origin)" 0
    equal "edge of wiki from $vantage" "$(outcomes $vantage wiki $edge)" 0
    equal "origin of wiki from $vantage (60: certificate expired)" "$(outcomes $vantage wiki $origin)" 60
    equal "edge of api from $vantage (85: gateway error)" "$(outcomes $vantage api $edge)" 85
    equal "origin of api from $vantage" "$(outcomes $vantage api $origin)" 0
done
equal "edge of shop from cn-1 (40: reset after ClientHello)" "$(outcomes cn-1 shop $edge)" 40
equal "edge of shop from hk-1" "$(outcomes hk-1 shop $edge)" 0
equal "edge of shop from us-1" "$(outcomes us-1 shop $edge)" 0
equal "vantages' networks" "$(sql "SELECT string_agg(name || ' ' || asn, ', ' ORDER BY name) FROM vantage")" \
    "cn-1 4837, hk-1 9304, us-1 14061"
equal "sequences stored twice" "$(sql "SELECT count(*) FROM (SELECT 1 FROM attempt GROUP BY vantage_id, sequence HAVING count(*) > 1) d")" 0

# The reports say so.
expect_exit 0 "$collector_program" report matrix --since 10m --state "$state"
for wanted in hk-1 cn-1 us-1 AS4837 AS9304 AS14061 "www.shop.example"; do expect_output "$wanted"; done
say "$out"
ok "the matrix names vantages, networks and endpoints"

expect_exit 1 "$collector_program" report diff --since 10m --state "$state"
say "$out"
expect_output "cn-1 .*reset after ClientHello"
expect_output "passes from .*hk-1"
expect_output "origin.*passes from all"
expect_output "certificate expired"
expect_output "502|gateway error"
ok "the diff tells the story"
expect_exit 0 "$collector_program" report diff --since 10m --site blog --state "$state"
ok "nothing is found against the healthy site, exit 0"

for format in json csv; do
    for report in matrix diff vantages certs; do
        run "$collector_program" report $report --since 10m --format $format --state "$state"
        [ "$status" -le 1 ] || { show_run; fail "report $report --format $format"; }
        [ $format != json ] || jq -e . >/dev/null <<<"$out" || { show_run; fail "report $report: not JSON"; }
        [ -n "$out" ] || fail "report $report --format $format says nothing"
    done
done
ok "matrix, diff, vantages and certs in json and csv"

# One round now.
expect_exit 1 "$collector_program" probe shop --state "$state"
expect_output "3 of 3 vantages"
expect_output "cn-1"
say "$out"
ok "a round now, from every vantage"

stop "$collector_pid"
ok "the collector ended"
[ ! -f "$state/pg/postmaster.pid" ] || fail "the collector left its database running"
ok "and took its database with it"
