#!/bin/bash
# The same window of a day asked where 7 and 30 days are stored instead of 1. Three databases of one PostgreSQL hold the same last day of ENDPOINTS
# endpoints, 10 vantages and one round a minute; two have 6 and 29 more before it, each as large. Every report is made of each in turn, SETS
# times. Must hold: the sum over reports of the median times is at most 1.2 times as long with 30 days as with 1.
# Fewer endpoints make the figure no better: what grows with the days that are kept is the cost of finding the one that is asked for, and the
# smaller that day, the more of the time it is.
#   [ENDPOINTS=100] [SETS=7] tests/bench/report_history.sh       20 endpoints and 5 sets; 100 take 22 GB
. "$(dirname "$0")/begin.sh"
at_most 0 "$@"
. "$(dirname "$0")/lib.sh"
need_built bin/parallax-collector
collector=$build_dir/bin/parallax-collector
endpoints=${ENDPOINTS:-20} sets=${SETS:-5}
stored="1 7 30"
reports="matrix diff site asn edge-origin certs vantages latency incidents"
start_postgres -c shared_buffers=64MB -c fsync=off -c max_wal_size=4GB -c autovacuum=off -c wal_level=minimal -c max_wal_senders=0

run_psql() { psql -X -q -o /dev/null "$(db_url "$1")" "${@:2}"; }
run_psql postgres -c "CREATE DATABASE days1"
"$collector" site list --db "$(db_url days1)" >/dev/null # makes the schema
run_psql days1 -v endpoints="$endpoints" -v vantages=10 -f "$source_dir/tests/bench/report_day.sql"
"$collector" db rollup --repair --db "$(db_url days1)" >/dev/null
had=1
for days in 7 30; do
    run_psql postgres -c "CREATE DATABASE days$days TEMPLATE days$had STRATEGY file_copy"
    run_psql "days$days" -v first="$had" -v days="$days" -f "$source_dir/tests/bench/report_history.sql"
    had=$days
done
for days in $stored; do
    run_psql "days$days" -c "VACUUM ANALYZE"
    echo "$days: $(psql -X -A -t "$(db_url "days$days")" -c "SELECT count(*) || ' attempts, ' || pg_size_pretty(pg_database_size(current_database())) FROM attempt")"
done

since=$(psql -X -A -t "$(db_url days1)" -c "SELECT to_char(min(start_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM round")
for report in $reports; do
    for ((set = 0; set < sets; set++)); do
        for days in $stored; do
            took "$collector" report "$report" --since "$since" --format json --db "$(db_url "days$days")" >>"$scratch/times.$days.$report"
            mv "$scratch/out" "$scratch/out.$days"
        done
    done
    for days in 7 30; do
        cmp -s "$scratch/out.1" "$scratch/out.$days" || give_up "$report says something else where $days days are stored"
    done
done

echo "| report, ms | 1 day stored | 7 days | 30 days | 30 : 1 |"
echo "|---|---|---|---|---|"
for report in $reports; do
    printf '| %s |' "$report"
    for days in $stored; do printf ' %s |' "$(spread <"$scratch/times.$days.$report")"; done
    printf ' %s |\n' "$(ratio "$scratch/times.30.$report" "$scratch/times.1.$report")"
done
for days in $stored; do
    for report in $reports; do median <"$scratch/times.$days.$report"; done | awk '{ n += $1 } END { print n }' >"$scratch/sum.$days"
done
row "a day's reports with 30 days stored ($endpoints endpoints x 10 vantages x 1 min, sum of nine medians)" "$(cat "$scratch/sum.30") ms" \
    "1 day stored: $(cat "$scratch/sum.1") ms (7 days: $(cat "$scratch/sum.7") ms)" "$(ratio "$scratch/sum.30" "$scratch/sum.1")" '<=' 1.2
finish
