#!/usr/bin/env bash
# Reports over a day of 100 endpoints, 10 vantages and one round a minute: 1.44 million attempts, in a private PostgreSQL with its defaults.
# Must hold: matrix, diff and site answer in less than a second each (the best of three), and the page of a matrix has less than
# 2 MB. Counting the whole day for the first time and making that page are measured beside it.
# Usage: tests/bench/report_day.sh [BUILD_DIR]      (a release build; default build/release)
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build_dir=${1:-${PARALLAX_BUILD_DIR:-$source_dir/build/release}}
collector=$build_dir/bin/parallax-collector
limit_ms=1000

[ -x "$collector" ] || { echo "report_day: no $collector; build the release preset first" >&2; exit 3; }
bin=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || { echo "report_day: PostgreSQL is not installed" >&2; exit 3; }
bin=$(dirname "$bin")

scratch=$(mktemp -d /tmp/plx.XXXXXX)
as_user() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    chown nobody:nogroup "$scratch"
    as_user() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
fi
cleanup() {
    as_user "$bin/pg_ctl" -D "$scratch/pg" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap cleanup EXIT

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

figures= missed=0
for report in matrix diff site; do
    best=
    for _ in 1 2 3; do
        began=$(now_ms)
        "$collector" report "$report" --since 25h --format json --db "$db" >"$scratch/out" || [ $? = 1 ]
        took=$(($(now_ms) - began))
        [ -n "$best" ] && [ "$best" -le "$took" ] || best=$took
    done
    [ -s "$scratch/out" ] || { echo "report_day: report $report says nothing" >&2; exit 3; }
    [ "$best" -lt "$limit_ms" ] || missed=1
    figures="$figures $report $best ms,"
done
began=$(now_ms)
"$collector" report matrix --since 25h --format html --db "$db" >"$scratch/out" || [ $? = 1 ]
page_ms=$(($(now_ms) - began)) page_bytes=$(stat -c %s "$scratch/out")
[ "$page_bytes" -gt 100000 ] && [ "$page_bytes" -lt 2000000 ] || missed=1
figures="$figures page $page_ms ms of $((page_bytes / 1000)) kB,"
echo "1.44 million attempts:${figures} (limit $limit_ms ms); counted for the first time in $((first_ms / 1000)) s"
exit $missed
