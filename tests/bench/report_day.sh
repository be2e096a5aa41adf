#!/bin/bash
# Reports over a day of 100 endpoints, 10 vantages and one round a minute: 1.44 million attempts, in a private PostgreSQL with its defaults.
# Must hold: each report answers within a second (medians of five in turn), and the page of a matrix has less than
# 2 MB. Counting the whole day for the first time and making that page are measured beside it.
#   tests/bench/report_day.sh
. "$(dirname "$0")/begin.sh"
at_most 0 "$@"
. "$(dirname "$0")/lib.sh"
collector=$build_dir/bin/parallax-collector
limit_ms=1000

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
as_user "$bin/pg_ctl" -D "$scratch/pg" -l "$scratch/log" -o "-k $scratch -c listen_addresses='' -c shared_buffers=64MB" -w start >/dev/null
db="postgresql:///postgres?host=$scratch&user=parallax"
now_ms() { date +%s%3N; }

"$collector" site list --db "$db" >/dev/null # makes the schema
began=$(now_ms)
psql -X -q -o /dev/null "$db" -v endpoints=100 -v vantages=10 -f "$source_dir/tests/bench/report_day.sql"
echo "$(psql -X -A -t "$db" -c 'SELECT count(*) FROM attempt') attempts made in $(($(now_ms) - began)) ms"
began=$(now_ms)
"$collector" db rollup --repair --db "$db"
first_ms=$(($(now_ms) - began))
psql -X -q "$db" -c 'VACUUM ANALYZE' # as it is done in the background, sooner or later

reports="matrix diff site latency asn certs vantages"
for _ in 1 2 3 4 5; do
    for report in $reports; do
        began=$(now_ms)
        "$collector" report "$report" --since 25h --format json --db "$db" >"$scratch/out" || [ $? = 1 ]
        echo $(($(now_ms) - began)) >>"$scratch/times.$report"
        [ -s "$scratch/out" ] || give_up "report $report says nothing"
    done
done
slowest=
for report in $reports; do
    echo "$report: $(spread <"$scratch/times.$report") ms"
    [ -n "$slowest" ] && awk -v a="$(median <"$scratch/times.$report")" -v b="$(median <"$scratch/times.$slowest")" 'BEGIN { exit a > b }' || slowest=$report
done
began=$(now_ms)
"$collector" report matrix --since 25h --format html --db "$db" >"$scratch/out" || [ $? = 1 ]
page_ms=$(($(now_ms) - began)) page_bytes=$(stat -c %s "$scratch/out")
[ "$page_bytes" -gt 100000 ] && [ "$page_bytes" -lt 2000000 ] || give_up "the page of a matrix has $page_bytes bytes"
echo "page $page_ms ms of $((page_bytes / 1000)) kB; counted for the first time in $((first_ms / 1000)) s"
row "report over 24 h, 100 endpoints x 10 vantages x 1 min; the slowest of seven ($slowest)" "$(spread <"$scratch/times.$slowest") ms" - \
    "$(median <"$scratch/times.$slowest")" "<=" $limit_ms ms
finish
