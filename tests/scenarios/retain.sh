#!/bin/bash
# Old attempts are dropped by the day and nothing that is needed goes with them; what was counted of them says the same afterwards.
. "$(dirname "$0")/lib.sh"

start_collector
psql -X -q -v sites=2 -v vantages=4 -v hours=120 -v every_s=600 -h "$state/run" -p 5432 -U parallax -d postgres \
    -f "$source_dir/tests/lab/fleet.sql" >logs/fleet 2>&1 || fail "the fleet cannot be made"

refused 2 "nothing says what to keep" "$collector_program" db retain --state "$state"
refused 2 "shorter than --keep-attempts 3d" "$collector_program" db retain --keep-attempts 3d --keep-counts 2d --state "$state"
refused 2 "needs --keep-attempts" "$collector_program" db retain --keep-counts 2d --state "$state"
refused 2 "keep-attempts" "$collector_program" db retain --keep-attempts 1h --state "$state"

sql "INSERT INTO rollup_due (bucket_at) SELECT DISTINCT date_bin('10 minutes', start_at, timestamptz 'epoch') FROM attempt ON CONFLICT DO NOTHING"
expect_exit 0 "$collector_program" db rollup --state "$state"
sql "UPDATE incident SET closed_at = NULL, opened_at = now() - interval '4 days', updated_at = now() - interval '4 days' WHERE id = 2" >/dev/null
until=$(date -u -d 'tomorrow 00:00' +%Y-%m-%dT%H:%M:%SZ) since=$(date -u -d '-110 hours' +%Y-%m-%dT%H:00:00Z)
report() { expect_exit "$1" "$collector_program" report "$2" --since "$since" --until "$until" --format json --state "$state"; }
whole=$(sql "SELECT count(*) FROM attempt")
report 0 asn; asn_before=$out
report 0 latency; latency_before=$out

# A row without a partition of its day gets one, and goes with it.
sql "CREATE TEMPORARY TABLE stray AS SELECT * FROM attempt LIMIT 1; UPDATE stray SET start_at = start_at - interval '10 days';
     INSERT INTO attempt SELECT * FROM stray" >/dev/null
expect_exit 1 "$collector_program" db status --state "$state"
expect_output "^attempts of days without a partition"

# A dry run says what the run then does.
printf 'keep_attempts: 2d\nkeep_counts: 3d\n' >keep.yaml
expect_exit 0 "$collector_program" db retain --dry-run --config keep.yaml --state "$state"
say "$out"
expect_output "kept: incident 2 is open and rests on it"
would=$(grep -c 'would be dropped$' <<<"$out")
equal "attempts after a dry run" "$(sql "SELECT count(*) FROM attempt")" "$((whole + 1))"
expect_exit 0 "$collector_program" db retain --config keep.yaml --state "$state"
say "$out"
equal "days dropped, as foretold" "$(grep -c ' dropped$' <<<"$out")" "$would"
at_least 2 echo "$would" || fail "only $would days dropped"
[ "$(sql "SELECT count(*) FROM attempt")" -lt "$whole" ] || fail "no attempts are gone"
expect_exit 1 "$collector_program" report explain 2 --state "$state"
ok "the open incident is explained still"
report 0 asn
[ "$out" = "$asn_before" ] || fail "networks over all days have changed"
ok "networks over all days say the same"

# Counting everything again, or a late row, does not undo what was counted.
sql "INSERT INTO rollup_due (bucket_at) SELECT min(bucket_at) FROM rollup_count ON CONFLICT DO NOTHING" >/dev/null
expect_exit 0 "$collector_program" db rollup --repair --state "$state"
report 0 asn
[ "$out" = "$asn_before" ] || fail "a repair has changed networks over all days"
report 0 latency
[ "$out" = "$latency_before" ] || fail "latencies have changed"
ok "and after a repair"

sql "UPDATE incident SET closed_at = now() WHERE id = 2" >/dev/null
expect_exit 0 "$collector_program" db retain --keep-attempts 2d --state "$state"
expect_output "^1 day of attempts dropped .*, 0 kept still"
expect_exit 0 "$collector_program" db status --state "$state"
say "$out"
expect_output "^all is well"
expect_output "partitions ahead: +7 days"
expect_output "attempts whole since"
expect_exit 0 "$collector_program" db status --format json --state "$state"
equal "json" "$(jq -r '[.kind, .ahead, .strays, (.concerns | length), (.days | length > 0), (.tables | length > 20)] | @text' <<<"$out")" \
    '["db-status",7,0,0,true,true]'

# --- the collector does it by itself -------------------------------------------------------------------------------------------

refused 2 "needs --keep-attempts" "$collector_program" serve --keep-counts 2d --state "$state"
start watch "$collector_program" watch --state "$state" # keeps the database up meanwhile
watch_pid=$started
metrics_port=$(free_port)
metric() { curl -sS --max-time 10 "http://127.0.0.1:$metrics_port/metrics" | grep -qE "$1"; }
old=$(sql "SELECT count(*) FROM attempt_days() WHERE day < current_date - 1")
at_least 1 echo "$old" || fail "no day is old enough"

# While somebody reads, days wait for that, and who stores does not wait behind them.
mkfifo reading
psql -X -q -h "$state/run" -p 5432 -U parallax -d postgres <reading >/dev/null 2>&1 &
reader=$!
exec 7>reading
echo "BEGIN; SELECT count(*) FROM attempt;" >&7
is_reading() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'")" = 1 ]; }
wait_for 30 "a reader" is_reading
stop "$collector_pid"
start_collector --keep-attempts 1d --metrics "127.0.0.1:$metrics_port"
waits() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'PREPARE retain_drop%' AND wait_event_type = 'Lock'")" = 1 ]; }
wait_for 60 "a day to wait for the reader" waits
for _ in 1 2 3 4 5; do
    sql "SET statement_timeout TO '20s'; SET idle_in_transaction_session_timeout TO 0; INSERT INTO attempt SELECT * FROM attempt WHERE start_at > now() - interval '1 hour' LIMIT 1" >/dev/null ||
        fail "storing waits behind a day that is to go"
done
equal "old days while one reads" "$(sql "SELECT count(*) FROM attempt_days() WHERE day < current_date - 1")" "$old"
echo "COMMIT; \\q" >&7
exec 7>&-
wait "$reader" || true
wait_for 60 "the days to go" metric "^parallax_retention_days_total $old$"
equal "old days" "$(sql "SELECT count(*) FROM attempt_days() WHERE day < current_date - 1")" 0
grep -qE "retention: $old days of attempts dropped \([0-9.]+ MB\), 0 kept still" logs/collector* || fail "the log does not say what went"
metric '^parallax_retention_days_held 0$' || fail "something is held"
metric '^parallax_retention_run_timestamp_seconds [0-9.e+]+$' || fail "nobody knows when it ran"
stop "$watch_pid"
