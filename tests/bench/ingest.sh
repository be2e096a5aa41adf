#!/bin/bash
# How fast attempts are stored: agents with sessions of their own flood one collector over mTLS, which judges each record, stores it exactly
# once and acknowledges it. Two take turns with it, and the medians are compared:
#   - COPY: psql copies the same rows, in the same binary format, from a file into a table with the same columns, partitions, indexes and
#     constraints of the same server, in one transaction. Both wait for the disk at COMMIT; before each there is a CHECKPOINT.
#   - loose: the same collector with a database of its own, but for what makes delivery exact: no cursor is locked or moved, nothing is
#     recognised as having come before, acks do not wait for the commit (tests/bench/loose.c).
# Agents send whole batches of 256, packed as real ones do; they make and pack them before the clock starts.
# What each spends of the CPU is said for the processes that it takes: collector, PostgreSQL and agents, against PostgreSQL and psql.
# Must hold: at least 0.6 times as fast as COPY, at least 0.9 times as fast as loose, and every attempt is in the database once.
#   tests/bench/ingest.sh [TURNS [AGENTS [BATCHES]]]       5 turns of 8 agents with 32 batches of 256; a release build in PARALLAX_BUILD_DIR
# With PROFILE=1, perf samples the collector meanwhile, and what it found goes to stderr.
. "$(dirname "$0")/begin.sh"
at_most 3 "$@"
. "$(dirname "$0")/../scenarios/lib.sh"
. "$(dirname "$0")/lib.sh"
turns=${1:-5} agents=${2:-8} batches=${3:-32}
endpoints=32 least=0.6 rows=$((agents * batches * 256))
need psql

# --- two collectors, each with its crowd ----------------------------------------------------------------------------------------

{
    echo site,role,target,interval
    for n in $(seq "$endpoints"); do echo "flood$n,plain,192.0.2.$n,10s"; done
} >"$work/sites.csv"

declare -A state_of crowd_of serve_of
crowd_said() { grep -c "^$2" "$work/logs/crowd.$1" || true; }

# open KIND PROGRAM: a collector with a crowd that is welcomed and has a plan
open() {
    local kind=$1 serve=$2 n
    state=$work/$kind collector_port=
    local -r made=$collector_program
    collector_program=$serve
    start_collector
    collector_program=$made
    state_of[$kind]=$state serve_of[$kind]=$collector_pid
    expect_exit 0 "$collector_program" site import "$work/sites.csv" --state "$state"
    for n in $(seq "$agents"); do
        new_token "flood-$n" hk $((64512 + n)) >>"$work/tokens.$kind"
    done
    start "crowd.$kind" "$build_dir/bench/bench-crowd" "$collector_port" "$work/tokens.$kind" "$batches"
    crowd_of[$kind]=$started
    wait_for 120 "the agents" at_least 1 crowd_said "$kind" ready
    wait_for 30 "a plan" at_least 1 sql "SELECT count(*) FROM round"
}
use() { state=${state_of[$1]}; }

open loose "$build_dir/bench/bench-loose"
open exact "$collector_program"
sleep 2

psql=(psql -X -q -v ON_ERROR_STOP=1 -h "$state/run" -p 5432 -U parallax -d postgres)
"${psql[@]}" >/dev/null <<'SQL'
CREATE TABLE peer (LIKE attempt INCLUDING ALL) PARTITION BY RANGE (start_at);
SELECT format('CREATE TABLE peer_%s PARTITION OF peer %s', child.relname, pg_get_expr(child.relpartbound, child.oid))
FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = 'attempt'::regclass
\gexec
SQL
columns=$(sql "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'attempt'::regclass AND attnum > 0")

# --- turns ----------------------------------------------------------------------------------------------------------------------

# Of the server whose state is in use: of all of it that runs, and of what of it has ended
server_us() {
    { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk -v postmaster="$(head -1 "$state/pg/postmaster.pid")" -v hz="$(getconf CLK_TCK)" '
        { pid = $1; sub(/.*\) /, ""); if ($2 == postmaster || pid == postmaster) sum += $12 + $13 + (pid == postmaster ? $14 + $15 : 0) }
        END { printf "%d\n", sum * 1e6 / hz }'
}
each() { awk -v us="$1" -v n="$rows" 'BEGIN { printf "%.1f us", us / n }'; }

# flood KIND NTH: all agents send what they have made; $rate, and in $said what it took of the CPU
flood() {
    local kind=$1 nth=$2 serve crowd server took sent
    use "$kind"
    kill -USR2 "${crowd_of[$kind]}" # make them
    wait_for 120 "batches" at_least "$nth" crowd_said "$kind" made
    sql CHECKPOINT
    serve=$(cpu_us "${serve_of[$kind]}") crowd=$(cpu_us "${crowd_of[$kind]}") server=$(server_us)
    kill -USR2 "${crowd_of[$kind]}"
    wait_for 300 "the flood's end" at_least "$nth" crowd_said "$kind" flooded
    server=$(($(server_us) - server))
    serve=$(($(cpu_us "${serve_of[$kind]}") - serve)) crowd=$(($(cpu_us "${crowd_of[$kind]}") - crowd))
    took=$(grep '^flooded' "$work/logs/crowd.$kind" | tail -1)
    sent=$(sed 's/.*sent_bytes=//;s/ .*//' <<<"$took") took=${took##*took_us=}
    rate=$(awk -v n="$rows" -v us="$took" 'BEGIN { printf "%d", n * 1e6 / us }')
    said="$rate attempts/s (CPU of each: collector $(each "$serve"), PostgreSQL $(each "$server"), agents $(each "$crowd")), $((sent / rows)) bytes each on the wire"
}

# copy NTH: the rows of the last flood; $rate and $said
copy() {
    local server took TIMEFORMAT='%3U %3S'
    use exact
    "${psql[@]}" -c "\\copy (SELECT $columns FROM attempt OFFSET $((($1 - 1) * rows))) TO '$work/rows' (FORMAT binary)"
    sql CHECKPOINT
    server=$(server_us)
    spent "${psql[@]}" -c '\timing on' -c "\\copy peer ($columns) FROM '$work/rows' (FORMAT binary)"
    took=$(awk '/^Time:/ { print int($2 * 1000) }' "$scratch/spent.out")
    server=$(($(server_us) - server))
    rate=$(awk -v n="$rows" -v us="$took" 'BEGIN { printf "%d", n * 1e6 / us }')
    said="$rate rows/s (CPU of each: PostgreSQL $(each "$server"), psql $(each "$spent_us")), $(($(stat -c %s "$work/rows") / rows)) bytes each"
}

if [ -n "${PROFILE:-}" ]; then
    start perf perf record -q -F 999 -p "${serve_of[exact]}" -o "$work/perf.data"
    perf=$started
fi
for n in $(seq "$turns"); do
    flood exact "$n"
    ours=$rate
    say "turn $n: exact $said; load $(cut -d' ' -f1 /proc/loadavg)"
    copy "$n"
    theirs=$rate
    say "turn $n: COPY  $said"
    flood loose "$n"
    say "turn $n: loose $said"
    echo "$ours" >>"$work/ours"
    echo "$theirs" >>"$work/theirs"
    echo "$rate" >>"$work/loose.rates"
    awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.3f\n", a / b }' >>"$work/ratios"
    awk -v a="$ours" -v b="$rate" 'BEGIN { printf "%.3f\n", a / b }' >>"$work/costs"
done
if [ -n "${PROFILE:-}" ]; then
    stop "$perf" INT
    perf report -i "$work/perf.data" --no-children --percent-limit 0.4 --stdio >"$work/profile" 2>/dev/null
    cat "$work/profile" >&2
fi

use exact
equal "attempts in the database" "$(sql 'SELECT count(*) FROM attempt')" "$((turns * rows))"
equal "of them different" "$(sql 'SELECT count(*) FROM (SELECT DISTINCT vantage_id, sequence FROM attempt) AS d')" "$((turns * rows))"
equal "rows of the peer" "$(sql 'SELECT count(*) FROM peer')" "$((turns * rows))"
use loose
equal "attempts of the loose one" "$(sql 'SELECT count(*) FROM attempt')" "$((turns * rows))"
say "ratio of each turn: to COPY $(spread %.2f <"$work/ratios"), to loose $(spread %.2f <"$work/costs"); medians of $turns turns"
row "attempts stored a second, exactly once, agents over mTLS" "$(spread <"$work/ours")/s" \
    "binary COPY of the same rows: $(spread <"$work/theirs")/s" "$(ratio "$work/ours" "$work/theirs")" ">=" $least
row "the same, against what it is without exactly-once" "$(spread <"$work/ours")/s" \
    "loose: $(spread <"$work/loose.rates")/s" "$(ratio "$work/ours" "$work/loose.rates")" ">=" 0.9
finish
