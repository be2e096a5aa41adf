#!/bin/bash
# Reports over a day of 100 endpoints, 10 vantages and one round a minute: 1.44 million attempts, in a private PostgreSQL with its defaults.
# Must hold: each of the ten kinds answers in a second (the median of five), and the page of the day has less than 2 MB. Making that page, and
# counting the whole day for the first time, are measured beside it.
#   tests/bench/report_day.sh
. "$(dirname "$0")/begin.sh"
at_most 0 "$@"
. "$(dirname "$0")/lib.sh"
need_built bin/parallax-collector
collector=$build_dir/bin/parallax-collector
start_postgres -c shared_buffers=64MB
db=$(db_url postgres)

"$collector" site list --db "$db" >/dev/null # makes the schema
echo "attempts made in $(took psql -X "$db" -v endpoints=100 -v vantages=10 -f "$source_dir/tests/bench/report_day.sql") ms"
first_ms=$(took "$collector" db rollup --repair --db "$db")
psql -X -q "$db" -c 'VACUUM ANALYZE' # as it is done in the background, sooner or later

slowest_ms=0 slowest=
for kind in matrix diff site asn edge-origin certs vantages latency incidents 'explain 1'; do
    # shellcheck disable=SC2086 # they are words
    for _ in 1 2 3 4 5; do
        took "$collector" report $kind $([ "$kind" = 'explain 1' ] || echo --since 25h) --format json --db "$db"
    done >"$scratch/times"
    echo "$kind: $(spread <"$scratch/times") ms"
    ms=$(median <"$scratch/times")
    [ "$ms" -le "$slowest_ms" ] || { slowest_ms=$ms slowest="$kind $(spread <"$scratch/times") ms"; }
done
for _ in 1 2 3 4 5; do took "$collector" report matrix --since 25h --format html --db "$db"; done >"$scratch/times"
page_bytes=$(stat -c %s "$scratch/out")
[ "$page_bytes" -gt 100000 ] && [ "$page_bytes" -lt 2000000 ] || { echo "the page has $page_bytes bytes"; bench_missed=1; }
echo "page: $(spread <"$scratch/times") ms, of $((page_bytes / 1000)) kB; counted for the first time in $first_ms ms"
row "the slowest of ten reports over 24 h, 100 endpoints x 10 vantages x 1 min; the page $(spread <"$scratch/times") ms" "$slowest" - "$slowest_ms" '<=' 1000 ms
finish
