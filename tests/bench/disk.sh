#!/bin/bash
# What is stored costs on disk, as the tables of docs/SCALE.md; no figure has to reach anything. Evidence is that of a resident agent
# in the lab; rows, indexes and counts are those of a made-up day of 100 endpoints, 10 vantages and a round a minute
# (report_day.sql), which takes two minutes and 2 GB of disk.
#   tests/bench/disk.sh [ENDPOINTS]        100; fewer are quicker, and rows cost the same
. "$(dirname "$0")/begin.sh"
at_most 1 "$@"
. "$(dirname "$0")/../scenarios/lib.sh"
. "$(dirname "$0")/lib.sh"
endpoints=${1:-100} vantages=10

# --- evidence -------------------------------------------------------------------------------------------------------------------

record_lab 10
evidence() { sql "SELECT coalesce(avg(length(evidence)), 0)::integer FROM attempt WHERE class $1"; } # CONDITION
passed=$(evidence "= 0") failed=$(evidence "<> 0")

# --- rows -----------------------------------------------------------------------------------------------------------------------

day="postgresql:///day?host=$state/run&port=5432&user=parallax"
of_day() { psql -X -q -A -t -F ' ' -v ON_ERROR_STOP=1 "$day" -c "$1"; }
sql "CREATE DATABASE day" >/dev/null
expect_exit 0 "$collector_program" site list --db "$day" # makes the schema
psql -X -q -o /dev/null "$day" -v endpoints="$endpoints" -v vantages=$vantages -f "$source_dir/tests/bench/report_day.sql"
began=$(date +%s%3N)
expect_exit 0 "$collector_program" db rollup --repair --db "$day"
count_ms=$(($(date +%s%3N) - began))
of_day "VACUUM ANALYZE"
attempts=$(of_day "SELECT count(*) FROM attempt")
[ "$attempts" = $((endpoints * vantages * 1440)) ] || give_up "$attempts attempts"

# Bytes of a table with its partitions: of its rows, of its indexes
sizes="SELECT sum(pg_table_size(c.oid)), sum(pg_indexes_size(c.oid)) FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
       WHERE c.relkind = 'r' AND coalesce(i.inhparent, c.oid)"
read -r rows indexes < <(of_day "$sizes = 'attempt'::regclass")
bytes_of() { of_day "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    LEFT JOIN pg_class p ON p.oid = i.inhparent WHERE c.relkind = 'r' AND coalesce(p.relname, c.relname) ~ '$1'"; } # REGEX
tens=$(bytes_of '^rollup_(count|look|latency)$') hours=$(bytes_of '^rollup_.*_hour$') rounds=$(bytes_of '^round')

awk -v n="$attempts" -v rows="$rows" -v indexes="$indexes" -v passed="$passed" -v failed="$failed" -v tens="$tens" -v hours="$hours" \
    -v rounds="$rounds" -v ms="$count_ms" -v endpoints="$endpoints" -v vantages=$vantages 'BEGIN {
    share = 0.05 # of attempts that fail, as in report_day.sql
    each = rows / n + indexes / n + (1 - share) * passed + share * failed
    print "| of one attempt | bytes |\n|---|---|"
    printf "| its row without the evidence | %.0f |\n| its share of the indexes | %.0f |\n", rows / n, indexes / n
    printf "| its evidence, passed | %d |\n| its evidence, failed | %d |\n", passed, failed
    printf "| in all, one in twenty failing (computed) | %.0f |\n\n", each
    printf "| of a day of %d endpoints, %d vantages and a round a minute | MB |\n|---|---|\n", endpoints, vantages
    printf "| attempts (computed: %d of %.0f bytes) | %.0f |\n", n, each, n * each / 1e6
    printf "| counts of ten minutes, with histograms | %.0f |\n| counts of hours | %.0f |\n", tens / 1e6, hours / 1e6
    printf "| rounds, their endpoints and vantages | %.0f |\n\n", rounds / 1e6
    printf "a month of it (computed): attempts %.0f GB, counts %.0f GB, rounds %.1f GB\n", 30 * n * each / 1e9, 30 * (tens + hours) / 1e9, 30 * rounds / 1e9
    printf "kept as 30 days of attempts, 90 of counts, 800 of hours (computed): %.0f + %.0f + %.0f GB\n",
        30 * n * each / 1e9, 90 * tens / 1e9, 800 * hours / 1e9
    printf "counting the day from scratch: %.1f s, %.0f us an attempt\n", ms / 1000, ms * 1000 / n }'
