#!/bin/bash
# Parallax on this machine, from nothing to a report.
#
#   deploy/quickstart.sh                            three agents against a small lab of TLS servers: what a report looks like
#   deploy/quickstart.sh HOST[:PORT] [--origin ADDRESS[:PORT]]    your own site, seen from this machine
#   deploy/quickstart.sh --status                   what runs
#   deploy/quickstart.sh --stop                     stops everything that this script started
#
# --state DIR   where everything is kept (default: ~/.local/state/parallax-quickstart, as root /var/lib/parallax-quickstart).
#
# It installs missing Debian packages, builds, and starts a collector with a private database and its agents as an
# unprivileged user (as root: the system user "parallax", made when missing). Nothing else is touched. Run it again at will.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
me=$0
action=run site= origin= state=
rounds=5
lab_interval=2s

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
die() { printf 'quickstart: %s\n' "$*" >&2; exit "${code:-3}"; }
bad_usage() { code=2 die "$* (see: $me --help)"; }

while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit 0 ;;
        --stop) action=stop ;;
        --status) action=status ;;
        --state | --origin)
            [ $# -ge 2 ] || bad_usage "$1 needs a value"
            case $1 in --state) state=$2 ;; --origin) origin=$2 ;; esac
            shift ;;
        -*) bad_usage "unknown option $1" ;;
        *) [ -z "$site" ] || bad_usage "one HOST at a time, got $site and $1"; site=$1 ;;
    esac
    shift
done
[ -z "$origin" ] || [ -n "$site" ] || bad_usage "--origin goes with a HOST"

is_root=
[ "$(id -u)" != 0 ] || is_root=yes
stop_command="$me --stop"
if [ -n "$state" ]; then
    case $state in /*) ;; *) state=$PWD/$state ;; esac
    stop_command+=" --state $state"
elif [ -n "$is_root" ]; then
    state=/var/lib/parallax-quickstart
else
    state=${XDG_STATE_HOME:-$HOME/.local/state}/parallax-quickstart
fi
if [ -n "$site" ]; then run=$state/site; else run=$state/story; fi
programs=$state/programs/bin
collector_state=$run/collector

# --- processes ------------------------------------------------------------------------------------------------------------------

# What runs the programs: the user "parallax" when we are root, ourselves otherwise.
as_user=(env)
if [ -n "$is_root" ]; then
    as_user=(setpriv --reuid=parallax --regid=parallax --clear-groups env USER=parallax)
fi
as_user+=(HOME="$run" XDG_STATE_HOME="$run")

# A pid may have been given to another process since: ours have the state folder in their command line.
alive() { # PID-FILE
    local pid
    pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$state/"
}

start() { # NAME COMMAND...
    local name=$1
    shift
    # setsid: neither Ctrl-C nor the end of this terminal reaches it
    (cd "$run" && exec setsid "${as_user[@]}" "$@") >>"$run/log/$name.log" 2>&1 </dev/null 9>&- &
    echo $! >"$run/$name.pid"
}

stop_pid() { # PID-FILE
    local tries
    alive "$1" || { rm -f "$1"; return 0; }
    kill -TERM "$(cat "$1")" 2>/dev/null || true
    for tries in $(seq 200); do
        alive "$1" || break
        [ "$tries" != 150 ] || kill -KILL "$(cat "$1")" 2>/dev/null || true
        sleep 0.1
    done
    rm -f "$1"
}

# Agents first, then the collector (it stops its database), then the lab.
stop_run() { # FOLDER
    local file postmaster=$1/collector/pg/postmaster.pid
    for file in "$1"/agent-*.pid "$1"/collector.pid; do
        [ ! -e "$file" ] || stop_pid "$file"
    done
    if [ -s "$postmaster" ]; then
        kill -INT "$(head -1 "$postmaster")" 2>/dev/null || true
    fi
    [ ! -d "$1/lab" ] || "$top/tests/lab/lab.sh" down "$1/lab"
}

stop_all() {
    local folder
    for folder in "$state/story" "$state/site"; do
        [ ! -d "$folder" ] || stop_run "$folder"
    done
}

show_status() {
    local file found= what
    for file in "$state"/story/*.pid "$state"/site/*.pid "$state"/story/lab/*.pid; do
        [ -e "$file" ] || continue
        found=yes what=stopped
        ! alive "$file" || what="running, pid $(cat "$file")"
        printf '%-10s %-16s %s\n' "$(basename "$(dirname "$file")")" "$(basename "$file" .pid)" "$what"
    done
    [ -n "$found" ] || echo "nothing runs"
}

case $action in
    stop) stop_all; echo "stopped; $state keeps the data, remove it when it is no longer wanted"; exit 0 ;;
    status) show_status; exit 0 ;;
esac

# --- how a step ends ------------------------------------------------------------------------------------------------------------

step_log=
started=
at_exit() {
    local status=$?
    trap - EXIT INT TERM
    [ ! -t 2 ] || printf '\r\033[K' >&2
    [ -z "$started" ] || { echo "quickstart: stopping what was started" >&2; stop_run "$run"; }
    exit $status
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# failed WHAT LOG: the end of a log says why
failed() {
    [ ! -t 2 ] || printf '\r\033[K' >&2
    { echo "quickstart: $1; the end of $2:"; tail -n 15 "$2"; } >&2
    exit 3
}

progress() { if [ -t 2 ]; then printf '\r\033[K%s' "$*" >&2; fi; }
done_step() { [ ! -t 2 ] || printf '\r\033[K' >&2; printf '%s\n' "$*"; }

# step WHAT COMMAND...: quiet when it succeeds
step() {
    local what=$1
    shift
    progress "$what ..."
    "$@" >"$step_log" 2>&1 </dev/null || failed "$what failed" "$step_log"
    done_step "$what: done"
}

# wait_for SECONDS WHAT NAME COMMAND...: NAME is the process that must stay alive meanwhile
wait_for() {
    local seconds=$1 what=$2 name=$3 end
    shift 3
    end=$((SECONDS + seconds))
    until "$@"; do
        # not `alive`: the child has this script's command line until it has become the program
        kill -0 "$(cat "$run/$name.pid")" 2>/dev/null || failed "$name ended" "$run/log/$name.log"
        [ $SECONDS -lt $end ] || failed "waited ${seconds} s for $what" "$run/log/$name.log"
        sleep 0.2
    done
}

# --- packages, programs, user -----------------------------------------------------------------------------------------------------

"$top/deploy/install-deps.sh" --build --run

umask 022
mkdir -p "$state"
[ -z "$is_root" ] || chmod 755 "$state"
exec 9>"$state/lock" # held until the end; closed (9>&-) in whatever may outlive this script
flock -n 9 || die "another quickstart runs in $state"
mkdir -p "$run/log"
step_log=$state/quickstart.log

build() {
    cmake --preset release -S "$top" -B "$state/build" 9>&-
    cmake --build "$state/build" --target parallax-agent parallax-collector translations completions lab-server 9>&-
}
cd "$top"
step "building (release)" build

# A second start would meet the first. Programs that the other kind of run still uses are unlinked, not overwritten.
stop_run "$run"
rm -rf "$state/programs"
if ! install_log=$(cmake --install "$state/build" --prefix "$state/programs" 2>&1); then
    printf '%s\n' "$install_log" >"$step_log"
    failed "installing into $state/programs failed" "$step_log"
fi
mkdir -p "$state/programs/lab"
cp "$top"/tests/lab/*.sh "$state/build/lab/lab-server" "$state/programs/lab/"

if [ -n "$is_root" ]; then
    id parallax >/dev/null 2>&1 ||
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin parallax ||
        die "cannot make the system user parallax"
    chown -R parallax:parallax "$run"
fi
chmod 700 "$run"

collector() { (cd "$run" && exec "${as_user[@]}" "$programs/parallax-collector" "$@" 9>&-); }
agent() { (cd "$run" && exec "${as_user[@]}" "$programs/parallax-agent" "$@" 9>&-); }
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
sql() { (cd "$run" && "${as_user[@]}" psql -X -q -A -t -h "$collector_state/run" -p 5432 -U parallax -d postgres -c "$1"); }
at_least() { local got; got=$(sql "$2" 2>/dev/null) && [ "${got:-0}" -ge "$1" ]; }

start_collector() { # ADDRESS
    start collector "$programs/parallax-collector" serve --state "$collector_state" --listen "$1:$port"
    progress "starting the collector and its database ..."
    wait_for 60 "the collector to listen" collector listening "$port"
    done_step "collector: listens on $1:$port, database in $collector_state"
}

# enroll NAME REGION ASN|"" [options of enroll]: once; the identity stays in the state folder
enroll() {
    local name=$1 region=$2 asn=$3 token
    shift 3
    [ ! -e "$run/agents/$name/enrolled" ] || return 0
    token=$(collector token create --state "$collector_state" --name "$name" --region "$region" ${asn:+--asn "$asn"} \
        2>"$step_log") || failed "making a token for $name failed" "$step_log"
    token=$(head -n 1 <<<"$token")
    agent enroll --state "$run/agents/$name" --collector "127.0.0.1:$port" --token "$token" "$@" >"$step_log" 2>&1 ||
        failed "enrolling $name failed" "$step_log"
    "${as_user[@]}" touch "$run/agents/$name/enrolled"
}

start_agent() { # NAME [NAME=VALUE...] for its environment
    local name=$1
    shift
    start "agent-$name" env "$@" "$programs/parallax-agent" run --state "$run/agents/$name"
}

# report VERB...: exit code 1 means findings, which is what a report is for
report() {
    local status=0
    collector report "$@" --state "$collector_state" || status=$?
    [ $status -le 1 ] || die "report $1 failed"
}

# --- the lab ------------------------------------------------------------------------------------------------------------------------

run_story() {
    local line name
    # always a clean start: the lab's ports are new each time, and its story needs no history
    rm -rf "$run/collector" "$run/agents"
    started=yes
    progress "starting the lab ..."
    LAB_SERVER=$state/programs/lab/lab-server "${as_user[@]}" "$state/programs/lab/lab.sh" up "$run/lab" >"$step_log" 2>&1 9>&- ||
        failed "starting the lab failed" "$step_log"
    . "$run/lab/lab.env"
    done_step "lab: $(wc -l <"$run/lab/sites") sites on loopback"
    port=$("$state/programs/lab/lab-server" ports 1)
    start_collector 127.0.0.1
    while read -r line; do
        # shellcheck disable=SC2086 # the line is options
        collector site add $line --state "$collector_state" --interval "$lab_interval" >"$step_log" 2>&1 </dev/null ||
            failed "adding a site failed" "$step_log"
    done <"$run/lab/sites"
    enroll hk-1 hk 9304 --allow 127.0.0.0/8 --port any --source "$lab_hk"
    enroll cn-1 cn 4837 --allow 127.0.0.0/8 --port any --source "$lab_cn"
    enroll us-1 overseas 14061 --allow 127.0.0.0/8 --port any --source "$lab_overseas"
    for name in hk-1 cn-1 us-1; do start_agent $name SSL_CERT_FILE="$lab_ca"; done
    done_step "agents: hk-1 (hk, AS9304), cn-1 (cn, AS4837), us-1 (overseas, AS14061)"
    wait_rounds $((3 * $(grep -oE -- '--(edge|origin|plain) ' "$run/lab/sites" | wc -l)))
    echo
    report matrix --since 10m
    echo
    report diff --since 10m
}

# A round counts when so many pairs of vantage and endpoint are in the database.
wait_rounds() { # PAIRS
    local query done_rounds=0 end=$((SECONDS + 120))
    query="SELECT count(*) FROM (SELECT round_id FROM attempt GROUP BY round_id HAVING count(DISTINCT (vantage_id, endpoint_id)) >= $1) AS r"
    while [ "$done_rounds" -lt $rounds ]; do
        progress "rounds: $done_rounds of $rounds"
        [ $SECONDS -lt $end ] || failed "only $done_rounds rounds in 120 s" "$run/log/agent-hk-1.log"
        alive "$run/collector.pid" || failed "the collector ended" "$run/log/collector.log"
        sleep 0.3
        done_rounds=$(sql "$query" 2>"$step_log") || failed "the database does not answer" "$step_log"
    done
    done_step "rounds: $done_rounds"
}

# --- your own site ------------------------------------------------------------------------------------------------------------------

# The name or address of "HOST", "HOST:PORT", "[V6]:PORT" or "V6"
bare_host() {
    case $1 in
        \[*) local inside=${1#[}; echo "${inside%%]*}" ;;
        *:*:*) echo "$1" ;;
        *) echo "${1%%:*}" ;;
    esac
}

# This machine's own address, as another machine might reach it.
own_address() { hostname -I 2>/dev/null | awk '{print $1}'; }

pick_port() {
    if [ ! -s "$run/port" ]; then
        if listening 7443; then "$state/programs/lab/lab-server" ports 1; else echo 7443; fi >"$run/port"
    fi
    port=$(cat "$run/port")
}

run_site() {
    local host=${site#https://} status=0 role=--plain address allow=(--allow any)
    host=${host%%/*}
    pick_port
    started=yes
    start_collector 0.0.0.0
    [ -z "$origin" ] || role=--edge
    if ! collector site show "$host" --state "$collector_state" >/dev/null 2>&1; then
        collector site add "$host" $role "$host" ${origin:+--origin "$origin"} --state "$collector_state" >"$step_log" 2>&1 ||
            failed "adding $host failed" "$step_log"
    fi
    # an address that was named may be private, which "any" does not cover
    for address in "$(bare_host "$host")" "$(bare_host "$origin")"; do
        [[ ! $address =~ ^[0-9.]+$|: ]] || allow+=(--allow "$address")
    done
    enroll local local "" --port any "${allow[@]}"
    start_agent local
    wait_for 30 "the agent to connect" agent-local at_least 1 "SELECT count(*) FROM vantage WHERE connected_since IS NOT NULL"
    done_step "agent: local (this machine; region local)"
    echo
    collector probe "$host" --state "$collector_state" || status=$?
    [ $status -le 1 ] || die "probing $host failed"
    echo
    report certs --site "$host"
    cat <<TEXT

One vantage cannot tell a fault of the site from one of its own path. To add a vantage on another machine:
  here:   $(collector_command) token create --state $collector_state --name hk-1 --region hk --asn 9304
  there:  parallax-agent enroll --collector $(own_address):$port --allow $(bare_host "$host")${origin:+ --allow $(bare_host "$origin")} --token - && parallax-agent run
Then, from all of them at once:
          $(collector_command) probe $host --state $collector_state
TEXT
}

# How a person runs the collector's verbs beside ours.
collector_command() {
    if [ -n "$is_root" ]; then
        echo "setpriv --reuid=parallax --regid=parallax --clear-groups $programs/parallax-collector"
    else
        echo "$programs/parallax-collector"
    fi
}

if [ -n "$site" ]; then run_site; else run_story; fi
started=
cat <<TEXT

It goes on running. Stop everything:  $stop_command
TEXT
