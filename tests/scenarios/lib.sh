# What the scenarios share. A scenario is a bash script that sources this file first:
#
#   . "$(dirname "$0")/lib.sh"
#
# It then runs as an unprivileged user (started by root it is started again as one, since PostgreSQL refuses root and agents
# should), in a scratch folder $work that is removed at the end together with every process it started. It fails at the first
# command that fails, says what it checked, and shows the logs when it failed. KEEP=1, or a file "keep" in it, keeps the scratch folder.
# PARALLAX_BUILD_DIR names the build to test (default: build/asan).
set -euo pipefail

source_dir=${PARALLAX_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
build_dir=${PARALLAX_BUILD_DIR:-$source_dir/build/asan}
script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")

# --- an unprivileged user and a scratch folder ---------------------------------------------------------------------------------

as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }

# A checkout below /root cannot be read by others: what a scenario needs is copied then.
stage() {
    local stage=$1
    mkdir -p "$stage/build"
    tar -C "$source_dir" --exclude=./build --exclude=./.git -cf - . | tar -C "$stage" -xf -
    tar -C "$build_dir" -cf - $(cd "$build_dir" && ls -d bin lab share generated 2>/dev/null) | tar -C "$stage/build" -xf -
    chmod -R a+rX "$stage"
}

if [ "$(id -u)" = 0 ] && [ -z "${as_started:-}" ]; then
    work=$(mktemp -d /tmp/plx.XXXXXX)
    if ! as_nobody test -r "$script" -a -x "$build_dir/bin/parallax-agent"; then
        stage "$work/tree"
        script=$work/tree/${script#"$source_dir/"} source_dir=$work/tree build_dir=$work/tree/build
    fi
    chown nobody:nogroup "$work"
    status=0
    (cd "$work" && as_nobody env HOME="$work" USER=nobody SCENARIO_WORK="$work" PARALLAX_SOURCE_DIR="$source_dir" \
        PARALLAX_BUILD_DIR="$build_dir" bash "$script" "$@") || status=$?
    [ -n "${KEEP:-}" ] || [ -e "$work/keep" ] || rm -rf "$work"
    exit $status
fi

work=${SCENARIO_WORK:-$(mktemp -d /tmp/plx.XXXXXX)}
cd "$work"
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8 LANGUAGE= HOME=$work LAB_SERVER=$build_dir/lab/lab-server XDG_STATE_HOME=$work/xdg
agent_program=$build_dir/bin/parallax-agent
collector_program=$build_dir/bin/parallax-collector
lab=$source_dir/tests/lab/lab.sh
state=$work/collector
mkdir -p logs

# --- what is checked, and how it fails --------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }
ok() { printf 'ok: %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# Runs a program that ends by itself: $status, $out, $err.
run() {
    status=0
    "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    out=$(tr -d '\0' <"$work/out") err=$(tr -d '\0' <"$work/err")
    ! grep -qE 'AddressSanitizer|runtime error:|LeakSanitizer|ThreadSanitizer' "$work/err" || { cat "$work/err" >&2; fail "sanitizer: $*"; }
}

show_run() { printf '%s\n' "exit code $status" "--- stdout" "$out" "--- stderr" "$err" "---" >&2; }

# expect_exit CODE COMMAND...
expect_exit() {
    local wanted=$1
    shift
    run "$@"
    [ "$status" = "$wanted" ] || { show_run; fail "exit code $status, wanted $wanted: $*"; }
}

# expect_output REGEX, expect_error REGEX: of the last run
expect_output() { grep -qE -- "$1" <<<"$out" || { show_run; fail "stdout has nothing like: $1"; }; }
expect_error() { grep -qE -- "$1" <<<"$err" || { show_run; fail "stderr has nothing like: $1"; }; }

# refused CODE REGEX COMMAND...: exit code, and one line on stderr that says so, and nothing on stdout
refused() {
    local wanted=$1 pattern=$2
    shift 2
    expect_exit "$wanted" "$@"
    expect_error "$pattern"
    [ "$(wc -l <"$work/err")" = 1 ] || { show_run; fail "wanted one line on stderr: $*"; }
    [ -z "$out" ] || { show_run; fail "wanted nothing on stdout: $*"; }
    ok "exit $wanted: $err"
}

# equal WHAT GOT WANTED
equal() { [ "$2" = "$3" ] || fail "$1: got $2, wanted $3"; ok "$1: $2"; }

# wait_for SECONDS WHAT COMMAND...: until it succeeds. SECONDS are more than an idle machine needs; one that has other things to do gets
# three times as many before it is called a failure.
wait_for() {
    local seconds=$(($1 * 3)) what=$2 end
    shift 2
    end=$((SECONDS + seconds))
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "waited ${seconds} s for: $what"
        sleep 0.1
    done
}

# at_least COUNT COMMAND...: does the command print a number that is no less?
at_least() {
    local count=$1 got
    shift
    got=$("$@" 2>/dev/null) && [ -n "$got" ] && [ "$got" -ge "$count" ]
}

free_port() { "$LAB_SERVER" ports 1; }

# --- processes ----------------------------------------------------------------------------------------------------------------------

pids=()

# start NAME COMMAND...: in the background, with its output in logs/NAME; its pid is in $started
start() {
    local name=$1
    shift
    "$@" >>"$work/logs/$name" 2>&1 </dev/null &
    started=$!
    pids+=("$started")
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# stop PID [SIGNAL]: ends a process that start has started and waits for it
stop() {
    kill -"${2:-TERM}" "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

collector_port=
collector_pid=
listening() { (exec 3<>"/dev/tcp/${2:-127.0.0.1}/$1") 2>/dev/null; } # PORT [ADDRESS]
listening_or_dead() { listening "$1" || gone "$2"; }

# start_collector [options of serve...]: the same port when it is started again
start_collector() {
    [ -n "$collector_port" ] || collector_port=$(free_port)
    start collector "$collector_program" serve --state "$state" --listen "127.0.0.1:$collector_port" "$@"
    collector_pid=$started
    wait_for 60 "the collector to listen" listening_or_dead "$collector_port" "$collector_pid"
    ! gone "$collector_pid" || fail "the collector ended"
}

# new_token NAME REGION [ASN] [options...]
new_token() {
    local name=$1 region=$2 asn=${3:-}
    shift $(($# < 3 ? $# : 3))
    "$collector_program" token create --state "$state" --name "$name" --region "$region" ${asn:+--asn "$asn"} "$@" | head -1
}

# enroll NAME REGION ASN [options of enroll...]
enroll() {
    local name=$1 token
    token=$(new_token "$1" "$2" "$3")
    shift 3
    "$agent_program" enroll --state "$work/agents/$name" --collector "127.0.0.1:$collector_port" --token "$token" \
        --allow 127.0.0.0/8 --port any "$@" >>"$work/logs/enroll.$name" 2>&1
}

# start_agent NAME [command that runs it...]: $agent_pid
start_agent() {
    local name=$1
    shift
    start "agent.$name" "$@" "$agent_program" run --state "$work/agents/$name"
    agent_pid=$started
}

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$state/run" -p 5432 -U parallax -d postgres -c "$1"; }

connected() { sql "SELECT count(*) FROM vantage WHERE connected_since IS NOT NULL"; }

# Rounds of the plan in which so many vantages have probed so many endpoints
full_rounds() { # VANTAGES ENDPOINTS
    sql "SELECT count(*) FROM (SELECT a.round_id FROM attempt a JOIN round r ON r.id = a.round_id
         WHERE r.interval_s > 0 AND a.variant = 0 GROUP BY a.round_id
         HAVING count(DISTINCT (a.vantage_id, a.endpoint_id)) >= $1 * $2) AS f"
}

# add_lab_sites: the sites of the lab, probed every second
add_lab_sites() {
    local line
    while read -r line; do
        # shellcheck disable=SC2086 # the line is options
        expect_exit 0 "$collector_program" site add $line --interval 1s --state "$state"
    done <"$work/lab/sites"
}

# record_lab [ROUNDS]: a collector that has rounds of the lab's sites (3 unless said) from one agent, which has ended
record_lab() {
    local rounds=${1:-3}
    "$lab" up "$work/lab"
    . "$work/lab/lab.env"
    export SSL_CERT_FILE=$lab_ca
    start_collector
    add_lab_sites
    enroll cn-1 cn 4837 --source "$lab_cn"
    start_agent cn-1
    wait_for 60 "$rounds rounds" at_least "$rounds" full_rounds 1 7
    stop "$agent_pid"
    sleep 1 # what is in flight arrives
}

# --- the end --------------------------------------------------------------------------------------------------------------------------

stop_everything() {
    local pid end=$((SECONDS + 20))
    for pid in ${pids[@]+"${pids[@]}"}; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in ${pids[@]+"${pids[@]}"}; do
        until gone "$pid" || [ $SECONDS -ge $end ]; do sleep 0.05; done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    for folder in "$work"/lab*/; do [ ! -d "$folder" ] || "$lab" down "$folder"; done
    if [ -f "$state/pg/postmaster.pid" ]; then
        kill -INT "$(head -1 "$state/pg/postmaster.pid")" 2>/dev/null || true
    fi
}

# Processes that still name our scratch folder, which is nobody else's, in their command line.
left_over() {
    local file line
    for file in /proc/[0-9]*/cmdline; do
        line=$(tr '\0' ' ' <"$file") && [[ $line == *"$work/"* && $line != *"$script"* ]] || continue
        file=${file%/cmdline}
        echo "${file#/proc/} $line"
    done 2>/dev/null
}
nothing_left() { [ -z "$(left_over)" ]; }

at_exit() {
    local status=$? log tries pid line
    trap - EXIT
    trap '' INT TERM
    set +e
    stop_everything >/dev/null 2>&1
    for tries in {1..50}; do ! nothing_left || break; sleep 0.1; done
    while read -r pid line; do
        echo "FAILED: left running: $pid $line" >&2
        kill -KILL "$pid"
        status=1
    done < <(left_over)
    if grep -lE 'AddressSanitizer|runtime error:|LeakSanitizer|ThreadSanitizer' logs/* 2>/dev/null; then
        echo "FAILED: a sanitizer complained" >&2
        status=1
    fi
    if [ $status -ne 0 ]; then
        for log in logs/*; do
            [ ! -s "$log" ] || { echo "--- $log" >&2; tail -60 "$log" >&2; }
        done
    fi
    cd /
    [ -n "${KEEP:-}" ] || [ -e "$work/keep" ] || rm -rf "$work" 2>/dev/null
    exit $status
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
