#!/bin/bash
# A fault that one vantage sees becomes one incident, with its cause, whatever happens to the collector meanwhile.
. "$(dirname "$0")/lib.sh"

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca

start_collector --expiry-days 3650
add_lab_sites
expect_exit 0 "$collector_program" site set blog --sentinel --state "$state"
expect_exit 0 "$collector_program" site list --format json --state "$state"
equal "sentinels" "$(jq -r '[.rows[] | select(.sentinel) | .site] | join(" ")' <<<"$out")" blog

enroll hk-1 hk 9304 --source "$lab_hk"
enroll cn-1 cn 4837 --source "$lab_cn"
enroll us-1 overseas 14061 --source "$lab_overseas"
for name in hk-1 cn-1 us-1; do start_agent $name; done
wait_for 30 "three agents to connect" at_least 3 connected

incidents() { # SITE [more of WHERE]
    sql "SELECT count(DISTINCT i.id) FROM incident i JOIN incident_endpoint ie ON ie.incident_id = i.id
         JOIN endpoint e ON e.id = ie.endpoint_id JOIN site s ON s.id = e.site_id WHERE i.kind = 1 AND s.name = '$1' ${2:-}"
}
judged() { sql "SELECT count(*) FROM round WHERE judged_at IS NOT NULL AND interval_s > 0"; }

wait_for 120 "an incident about shop" at_least 1 incidents shop
id=$(sql "SELECT min(i.id) FROM incident i JOIN incident_endpoint ie ON ie.incident_id = i.id JOIN endpoint e ON e.id = ie.endpoint_id
          JOIN site s ON s.id = e.site_id WHERE i.kind = 1 AND s.name = 'shop'")
run "$collector_program" report incidents --state "$state"
say "$out"
equal "exit code while one is open" "$status" 1
expect_output "reset after ClientHello"
run "$collector_program" report explain "$id" --state "$state"
say "$out"
expect_output "incident $id, open since .*cn-1 or its path -> edge www.shop.example.*reset after ClientHello"
expect_output "^ *cn-1 +cn +AS4837 +yes"
expect_output "what would settle it"
for format in json csv md; do
    run "$collector_program" report explain "$id" --format $format --state "$state"
    [ "$status" = 1 ] && [ -n "$out" ] || { show_run; fail "explain in $format"; }
done
run "$collector_program" report explain "$id" --lang zh --state "$state"
expect_output "cn-1"
ok "explained"

equal "incidents about the healthy site" "$(incidents blog)" 0
equal "certificates that end within ten years, one for each" \
    "$(sql "SELECT count(*) > 0 AND count(*) = count(DISTINCT key) FROM incident WHERE kind = 4 AND closed_at IS NULL")" t

# The collector is killed in the middle of it, again and again: the same incident goes on.
for _ in 1 2 3; do
    before=$(judged)
    stop "$collector_pid" KILL
    start_collector --expiry-days 3650
    wait_for 90 "rounds to be judged again" at_least $((before + 5)) judged
done
equal "incidents about shop" "$(incidents shop)" 1
equal "events that open it" "$(sql "SELECT count(*) FROM incident_event WHERE incident_id = $id AND change = 1")" 1
equal "rounds it has failed in without a gap of judgement" \
    "$(sql "SELECT rounds >= 15 AND rounds <= $(judged) FROM incident WHERE id = $id")" t
equal "rounds left out" "$(sql "SELECT count(*) FROM round r WHERE judged_at IS NULL AND closed_at IS NOT NULL AND interval_s > 0
                                AND start_at < (SELECT max(start_at) FROM round WHERE judged_at IS NOT NULL AND interval_s > 0)")" 0

# Counts of ten minutes say the same as the attempts, over every report that can read either.
stop "$collector_pid"
equal "complaints of the judge" "$(grep -c 'statement judge_\|statement rollup_' logs/collector || true)" 0
expect_exit 0 "$collector_program" db rollup --repair --state "$state"
expect_output "counted"
for report in matrix site asn vantages certs; do
    for since in 119m 3h; do
        run "$collector_program" report $report --since $since --format json --state "$state"
        jq -S 'del(.since, .until, .rounds, .bucket_s, .answer)
               | walk(if type == "object" then with_entries(select(.key | test("_us$") | not)) else . end)
               | if .cells then .cells |= map(.outcomes |= sort_by(.class)) else . end' <<<"$out" >"$report.$since"
    done
    cmp "$report.119m" "$report.3h" || { diff "$report.119m" "$report.3h" | head -40 >&2; fail "$report: counts differ from attempts"; }
    ok "$report says the same of a long window as of a short one"
done
expect_exit 0 "$collector_program" report site --since 3h --format json --state "$state"
equal "a long window says how it was counted" "$(jq .bucket_s <<<"$out")" 600
expect_exit 0 "$collector_program" report matrix --since 3h --state "$state"
expect_output "counted by ten minutes"
