#!/bin/bash
# How fast attempts are stored: agents with sessions of their own flood one collector, which judges each record, stores it exactly
# once and acknowledges it; and PostgreSQL takes the same rows by binary COPY, into a table with the same partitions and indexes. The
# two take turns, and the medians are compared.
# Must hold: the collector is at least 0.6 times as fast, and every attempt is in the database once.
#   tests/bench/ingest.sh [TURNS [AGENTS [BATCHES]]]       5 turns of 8 agents with 32 batches of 256; a release build in PARALLAX_BUILD_DIR
# With PROFILE=1, perf samples the collector meanwhile, and what it found goes to stderr.
. "$(dirname "$0")/begin.sh"
at_most 3 "$@"
. "$(dirname "$0")/../scenarios/lib.sh"
. "$(dirname "$0")/lib.sh"
turns=${1:-5} agents=${2:-8} batches=${3:-32}
endpoints=32 least=0.6

start_collector
for n in $(seq "$endpoints"); do
    expect_exit 0 "$collector_program" site add "flood$n" --plain "192.0.2.$n" --interval 10s --state "$state"
done
for n in $(seq "$agents"); do
    new_token "flood-$n" hk $((64512 + n)) >>"$work/tokens"
done

start crowd "$build_dir/bench/bench-crowd" "$collector_port" "$work/tokens" "$batches"
crowd=$started
crowd_said() { grep -c "^$1" "$work/logs/crowd" || true; }
wait_for 120 "the agents" at_least 1 crowd_said ready
wait_for 30 "a plan" at_least 1 sql "SELECT count(*) FROM round"
sleep 2

psql=(psql -X -q -v ON_ERROR_STOP=1 -h "$state/run" -p 5432 -U parallax -d postgres)
"${psql[@]}" >/dev/null <<'SQL'
CREATE TABLE peer (LIKE attempt INCLUDING ALL) PARTITION BY RANGE (start_at);
SELECT format('CREATE TABLE peer_%s PARTITION OF peer %s', child.relname, pg_get_expr(child.relpartbound, child.oid))
FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = 'attempt'::regclass
\gexec
SQL
columns=$(sql "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'attempt'::regclass AND attnum > 0")
pg_pid=$(head -1 "$state/pg/postmaster.pid")
hz=$(getconf CLK_TCK)
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
# Of all of PostgreSQL that runs, and of what of it has ended
server_ticks() { { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk -v postmaster="$pg_pid" '$4 == postmaster || $1 == postmaster { sum += $14 + $15 + ($1 == postmaster ? $16 + $17 : 0) } END { print sum }'; }
each_us() { awk -v t="$1" -v hz="$hz" -v n="$2" 'BEGIN { printf "%.1f us", t / hz / n * 1e6 }'; }

# One turn of each: $ours and $theirs, in rows per second.
turn() {
    local n=$1 rows took ticks crowd_ticks ours_ticks theirs_ticks
    kill -USR2 "$crowd" # make them
    wait_for 120 "batches" at_least "$n" crowd_said made
    sql CHECKPOINT
    ticks=$(cpu_ticks "$collector_pid") crowd_ticks=$(cpu_ticks "$crowd") ours_ticks=$(server_ticks)
    kill -USR2 "$crowd"
    wait_for 300 "the flood's end" at_least "$n" crowd_said flooded
    ours_ticks=$(($(server_ticks) - ours_ticks))
    ticks=$(($(cpu_ticks "$collector_pid") - ticks)) crowd_ticks=$(($(cpu_ticks "$crowd") - crowd_ticks))
    read -r rows took <<<"$(grep '^flooded' "$work/logs/crowd" | tail -1 | sed 's/[^0-9 ]//g')"
    ours=$((rows * 1000000 / took))
    "${psql[@]}" -c "\\copy (SELECT $columns FROM attempt OFFSET $(((n - 1) * rows))) TO '$work/rows' (FORMAT binary)"
    sql CHECKPOINT
    theirs_ticks=$(server_ticks)
    took=$("${psql[@]}" -c '\timing on' -c "\\copy peer ($columns) FROM '$work/rows' (FORMAT binary)" | awk '/^Time:/ { print int($2 * 1000) }')
    theirs_ticks=$(($(server_ticks) - theirs_ticks))
    theirs=$((rows * 1000000 / took))
    say "turn $n: collector $ours attempts/s (CPU of each: collector $(each_us $ticks "$rows"), PostgreSQL $(each_us $ours_ticks "$rows"), agents $(each_us $crowd_ticks "$rows")), COPY $theirs rows/s (PostgreSQL $(each_us $theirs_ticks "$rows")), $(($(stat -c %s "$work/rows") / rows)) bytes each; load $(cut -d' ' -f1 /proc/loadavg)"
}

if [ -n "${PROFILE:-}" ]; then
    start perf perf record -q -F 999 -p "$collector_pid" -o "$work/perf.data"
    perf=$started
fi
for n in $(seq "$turns"); do
    turn "$n"
    echo "$ours" >>"$work/ours"
    echo "$theirs" >>"$work/theirs"
    awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.3f\n", a / b }' >>"$work/ratios"
done
if [ -n "${PROFILE:-}" ]; then
    stop "$perf" INT
    perf report -i "$work/perf.data" --no-children --percent-limit 0.4 --stdio >"$work/profile" 2>/dev/null
    cat "$work/profile" >&2
fi

made=$((turns * agents * batches * 256))
equal "attempts in the database" "$(sql 'SELECT count(*) FROM attempt')" "$made"
equal "of them different" "$(sql 'SELECT count(*) FROM (SELECT DISTINCT vantage_id, sequence FROM attempt) AS d')" "$made"
equal "rows of the peer" "$(sql 'SELECT count(*) FROM peer')" "$made"
say "ratio of each turn: $(spread %.2f <"$work/ratios")"
row "attempts stored a second, exactly once, agents over mTLS" "$(spread <"$work/ours")/s" \
    "binary COPY of the same rows: $(spread <"$work/theirs")/s" "$(ratio "$work/ours" "$work/theirs")" ">=" $least
finish
