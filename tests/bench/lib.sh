# What the benchmarks share. A benchmark is a bash script that sources this file first:
#
#   . "$(dirname "$0")/begin.sh"
#   at_most 2 "$@"
#   . "$(dirname "$0")/lib.sh"
#
# (one that needs a collector sources ../scenarios/lib.sh between these two). It measures a release build (PARALLAX_BUILD_DIR,
# default build/release), says what it sees as text, and says each figure that has to reach something as one line for machines as
# well, with `row`. run.sh makes its table of those lines. A benchmark ends with `finish`: exit code 1 when a figure misses what it
# has to reach; 3 when it could not be measured, with the reason as the last line of stderr; 2 when it is used wrongly.
#
# Figures that are compared come from one run and take turns, so that what else goes on in the machine meets both.
set -euo pipefail

source_dir=${PARALLAX_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
build_dir=${PARALLAX_BUILD_DIR:-$source_dir/build/release}
bench_name=$(basename "$0" .sh)
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8

give_up() { printf '%s: %s\n' "$bench_name" "$*" >&2; exit 3; }
need() { command -v "$1" >/dev/null || give_up "$1 is not installed (deploy/install-deps.sh --bench)"; }
need_built() { [ -x "$build_dir/$1" ] || give_up "no $build_dir/$1; cmake --preset release && cmake --build build/release"; }

# --- what is started and left behind, until the script ends -----------------------------------------------------------------

bench_pids=()
# A scenario's lib.sh, when it was sourced before, has a scratch folder and cleans up by itself.
if [ -n "${work:-}" ]; then
    scratch=$work
else
    scratch=$(mktemp -d /tmp/plx.XXXXXX)
    clean_up() {
        local pid
        trap '' INT TERM
        for pid in ${bench_pids[@]+"${bench_pids[@]}"}; do
            kill "$pid" 2>/dev/null || true
            wait "$pid" 2>/dev/null || true
        done
        ! declare -F at_end >/dev/null || at_end # the script's own
        rm -rf "$scratch"
    }
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
fi

# --- figures --------------------------------------------------------------------------------------------------------------------

# spread [FORMAT] <FIGURES: "median (min..max)"; median <FIGURES: the median alone
spread() {
    sort -n | awk -v format="${1:-%.0f}" '{ v[NR] = $1 } END {
        if (NR == 0) exit 1
        m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
        printf format " (" format ".." format ")\n", m, v[1], v[NR] }'
}
median() { sort -n | awk '{ v[NR] = $1 } END { if (NR == 0) exit 1; print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# Quotient of two medians; ratio FILE FILE
ratio() { awk -v a="$(median <"$1")" -v b="$(median <"$2")" 'BEGIN { printf "%.2f\n", a / b }'; }

bench_missed=0
# row WHAT OURS AGAINST VALUE RELATION LIMIT [UNIT]: "against" and its figure, or -. VALUE is what is held against LIMIT: a ratio
# when there is no unit. The load is that of the machine (1 minute).
row() {
    local verdict=met load
    awk -v v="$4" -v l="$6" -v r="$5" 'BEGIN { exit !(r == ">=" ? v >= l : v <= l) }' || { verdict=MISSED; bench_missed=1; }
    read -r load _ </proc/loadavg
    printf 'row|%s|%s|%s|%s|%s %s|%s|%s\n' "$1" "$2" "$3" "$([ -n "${7:-}" ] && echo - || echo "$4")" "$5" "$6${7:+ $7}" "$verdict" "$load"
}

finish() { exit $bench_missed; }

# --- CPU time -----------------------------------------------------------------------------------------------------------------

# cpu_us PID: user and system time so far, in microseconds (steps of a clock tick)
cpu_us() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%d\n", ($12 + $13) * 1e6 / hz }' "/proc/$1/stat"; }

# spent COMMAND...: runs it with its output to $scratch/spent.out, and sets $spent_us to its user and system time
spent() {
    local TIMEFORMAT='%3U %3S' user system
    { time "$@" >"$scratch/spent.out" 2>"$scratch/spent.err"; } 2>"$scratch/spent.time" || return 1
    read -r user system <"$scratch/spent.time"
    spent_us=$(awk -v u="$user" -v s="$system" 'BEGIN { printf "%d", (u + s) * 1e6 }')
}

# --- nginx --------------------------------------------------------------------------------------------------------------------

# start_nginx NAME DIRECTIVES: one worker with one TLS server, which has these directives, on a free port of all addresses; $port
start_nginx() {
    local name=$1 folder=$scratch/nginx.$1 user= try
    shift
    need nginx
    mkdir -p "$folder"
    [ "$(id -u)" != 0 ] || user="user root;" # what it serves is in a folder of ours alone
    for try in 1 2 3 4 5; do
        port=$("$build_dir/lab/lab-server" ports 1)
        {
            printf '%s\n' "daemon off; worker_processes 1; $user" "pid $folder/pid; error_log $folder/error.log;" \
                'events { worker_connections 8192; }' 'http {' 'access_log off; server_names_hash_bucket_size 128;'
            printf '%s\n' client_body proxy fastcgi uwsgi scgi | sed "s|.*|&_temp_path $folder/&;|"
            printf 'server { listen 0.0.0.0:%s ssl backlog=8192;\n%s\nreturn 200 "ok\\n"; }\n' "$port" "$*"
            printf '}\n'
        } >"$folder/conf"
        nginx -c "$folder/conf" -e "$folder/error.log" >/dev/null 2>&1 &
        bench_pids+=($!)
        for _ in $(seq 100); do
            ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
            kill -0 $! 2>/dev/null || break
            sleep 0.1
        done
    done
    give_up "nginx does not start: $(tail -n 2 "$folder/error.log")"
}

# --- PostgreSQL ---------------------------------------------------------------------------------------------------------------

# start_postgres OPTIONS...: a cluster of its own on a socket in $scratch, as nobody when root asks; db_url NAME is how to reach a database of it
start_postgres() {
    local folder as=() try
    need psql
    folder=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    [ -n "$folder" ] || give_up "PostgreSQL is not installed"
    folder=$(dirname "$folder")
    [ "$(id -u)" != 0 ] || { chown nobody:nogroup "$scratch"; as=(setpriv --reuid=nobody --regid=nogroup --clear-groups); }
    ${as[@]+"${as[@]}"} "$folder/initdb" -D "$scratch/pg" -U parallax -E UTF8 -A trust --no-sync >/dev/null
    ${as[@]+"${as[@]}"} "$folder/postgres" -D "$scratch/pg" -k "$scratch" -c listen_addresses= "$@" >"$scratch/pg.log" 2>&1 &
    bench_pids+=($!)
    for try in $(seq 100); do
        ! "$folder/pg_isready" -q -h "$scratch" || return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.1
    done
    give_up "PostgreSQL does not start: $(tail -n 2 "$scratch/pg.log")"
}
db_url() { echo "postgresql:///$1?host=$scratch&user=parallax"; }

# took COMMAND...: its wall time in milliseconds; findings (exit code 1) are no failure
took() {
    local began status=0
    began=$(date +%s%3N)
    "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
    [ $status -le 1 ] && [ -s "$scratch/out" ] || give_up "$*: exit code $status, $(tail -n 1 "$scratch/err")"
    echo $(($(date +%s%3N) - began))
}
