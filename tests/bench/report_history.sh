#!/bin/bash
# The same window of a day asked where 30 days are stored instead of 1. Two databases of one PostgreSQL (its defaults) hold the same last day of
# ENDPOINTS endpoints, 10 vantages and one round a minute; one has 29 more before it, each as large. Every report is made of both in turn,
# SETS times. Must hold: the sum over reports of the median times is at most 1.2 times as long.
#   [ENDPOINTS=100] [DAYS=30] [SETS=7] tests/bench/report_history.sh
# 20 endpoints take two minutes and 5 GB of disk, 100 take ten and 22.
. "$(dirname "$0")/begin.sh"
at_most 0 "$@"
. "$(dirname "$0")/lib.sh"
collector=$build_dir/bin/parallax-collector
endpoints=${ENDPOINTS:-20} days=${DAYS:-30} sets=${SETS:-7}
reports="matrix diff site latency asn certs vantages"

need_built bin/parallax-collector
bin=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || give_up "PostgreSQL is not installed (deploy/install-deps.sh --bench)"
bin=$(dirname "$bin")

as_user() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    chown nobody:nogroup "$scratch"
    as_user() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
fi
at_end() { as_user "$bin/pg_ctl" -D "$scratch/pg" -m immediate stop >/dev/null 2>&1 || true; }

as_user "$bin/initdb" -D "$scratch/pg" -U parallax -E UTF8 -A trust --no-sync >/dev/null
as_user "$bin/pg_ctl" -D "$scratch/pg" -l "$scratch/log" -w start \
    -o "-k $scratch -c listen_addresses='' -c shared_buffers=64MB -c fsync=off -c max_wal_size=4GB -c autovacuum=off" >/dev/null
url() { echo "postgresql:///$1?host=$scratch&user=parallax"; }
psql -X -q "$(url postgres)" -c "CREATE DATABASE one"
"$collector" site list --db "$(url one)" >/dev/null # makes the schema
psql -X -q -o /dev/null "$(url one)" -v endpoints="$endpoints" -v vantages=10 -f "$source_dir/tests/bench/report_day.sql"
"$collector" db rollup --repair --db "$(url one)" >/dev/null
psql -X -q "$(url postgres)" -c "CREATE DATABASE many TEMPLATE one"
psql -X -q -o /dev/null "$(url many)" -v days="$days" -f "$source_dir/tests/bench/report_history.sql"
for db in one many; do
    psql -X -q "$(url $db)" -c "VACUUM ANALYZE"
    echo "$db: $(psql -X -A -t "$(url $db)" -c "SELECT count(*) || ' attempts, ' || pg_size_pretty(pg_database_size(current_database())) FROM attempt")"
done

since=$(psql -X -A -t "$(url one)" -c "SELECT to_char(min(start_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM round")
now_ms() { date +%s%3N; }
# made DB REPORT: one report, its time goes to a file
made() {
    local began
    began=$(now_ms)
    "$collector" report "$2" --since "$since" --format json --db "$(url "$1")" >"$scratch/out.$1.$2" || [ $? = 1 ]
    echo $(($(now_ms) - began)) >>"$scratch/times.$1.$2"
}
for report in $reports; do
    for ((set = 0; set < sets; set++)); do made one "$report"; made many "$report"; done
    cmp -s "$scratch/out.one.$report" "$scratch/out.many.$report" || give_up "$report says something else where more is stored"
done

sum_one=0 sum_many=0
for report in $reports; do
    sum_one=$(awk "BEGIN {print $sum_one + $(median <"$scratch/times.one.$report")}")
    sum_many=$(awk "BEGIN {print $sum_many + $(median <"$scratch/times.many.$report")}")
    echo "$report: $(spread <"$scratch/times.one.$report") ms of 1 day, $(spread <"$scratch/times.many.$report") ms of $days"
done
row "a day of $endpoints endpoints x 10 vantages x 1 min, all seven reports, with $days days stored" "$sum_many ms" "with 1 day: $sum_one ms" \
    "$(awk "BEGIN {printf \"%.2f\", $sum_many / $sum_one}")" "<=" 1.2
finish
