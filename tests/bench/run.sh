#!/bin/bash
# Measures every row of the table that docs/PERFORMANCE.md keeps, each by a script beside this one, and ends with that table as
# Markdown. Installs what is missing (Debian packages, by deploy/install-deps.sh) and builds the release first. The rows together
# take less than a quarter of an hour, because each has a share of it, which it hands on as far as it does not need it.
#
#   tests/bench/run.sh [--only NAME]... [--list] [--help]
#
#   --only NAME   this row alone; may be given more than once, and may name another benchmark of this folder
#   --list        the names, with the share of each in seconds
#   --help        this text
#
# A row that breaks, or does not end in time, is said to be broken, and the others go on.
# Exit code 0: every row was measured and reaches what it has to. 1: every row was measured, and one misses. 2: wrong usage.
# 3: a row could not be measured. Interrupted, it ends what it has started and exits with 130.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

# NAME SHARE_S ARGUMENTS...: the rows in the order of the table. The shares make less than 900 s, and are half as much again as each takes
# on an idle machine with two cores.
rows=(
    "handshakes 190"
    "sweep 60"
    "stalled 45"
    "idle_agent 40"
    "ingest 110"
    "wire 130"
    "report_day 90"
    "report_history 170"
    "workers 50 5"
)
# What is measured of other things, on demand.
others=(
    "chain 60"
    "evidence 60"
    "probe_fleet 60"
    "fleet 300"
    "crowd 300 1000 60"
)
grace_s=40 # for a row that is ended to take away what it has started

usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }
wrong() { echo "run.sh: $* (--help shows how it is used)" >&2; exit 2; }
entry_of() { printf '%s\n' "${rows[@]}" "${others[@]}" | grep -E "^$1 " || true; } # NAME

chosen=()
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit 0 ;;
        --list)
            echo "rows of the table, and the share of each in seconds:"
            printf '%s\n' "${rows[@]}" | awk '{ printf "  %-16s %4d\n", $1, $2; sum += $2 } END { printf "  %-16s %4d\n", "in all", sum }'
            echo "others, for --only:"
            printf '%s\n' "${others[@]}" | awk '{ printf "  %-16s %4d\n", $1, $2 }'
            exit 0
            ;;
        --only | --only=*)
            if [[ $1 == --only=* ]]; then name=${1#--only=}; else
                [ $# -gt 1 ] || wrong "--only needs a name"
                shift
                name=$1
            fi
            [[ $name =~ ^[a-z_]+$ ]] && [ -n "$(entry_of "$name")" ] || wrong "no benchmark \"$name\"; --list shows them"
            chosen+=("$(entry_of "$name")")
            ;;
        *) wrong "unknown argument \"$1\"" ;;
    esac
    shift
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${rows[@]}")

# --- what may be left behind when it is interrupted ----------------------------------------------------------------------------

scratch=$(mktemp -d)
row_pid= # of the row that runs, which leads a process group of its own
group_there() { kill -0 -- "-$row_pid" 2>/dev/null; }

# Asks the whole group to end, as an interrupt from a terminal does, and waits; then makes it end.
end_row() {
    local end=$((SECONDS + grace_s))
    [ -n "$row_pid" ] || return 0
    kill -INT -- "-$row_pid" 2>/dev/null || true
    while group_there && [ $SECONDS -lt $end ]; do sleep 0.2; done
    kill -KILL -- "-$row_pid" 2>/dev/null || true
    row_pid=
}
at_exit() {
    trap '' INT TERM
    end_row
    rm -rf "$scratch"
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- a release build -----------------------------------------------------------------------------------------------------------

./deploy/install-deps.sh --build --bench || exit 3
options=()
! command -v ccache >/dev/null || options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
if ! { cmake --preset release ${options[@]+"${options[@]}"} && cmake --build build/release -j "$(nproc)"; } >"$scratch/build" 2>&1; then
    tail -n 30 "$scratch/build" >&2
    echo "run.sh: the release does not build" >&2
    exit 3
fi
export PARALLAX_BUILD_DIR=$PWD/build/release PARALLAX_SOURCE_DIR=$PWD

# --- the rows -------------------------------------------------------------------------------------------------------------------

missed=0 broken=0
spare=0 # seconds that the rows so far have left over
touch "$scratch/rows"

# broke NAME WHY: says so, in the table too
broke() {
    broken=1
    tail -n 20 "$scratch/err" >&2
    echo "   $1 is broken: $2" >&2
    read -r load _ </proc/loadavg
    printf 'row|%s|-|-|-|-|broken: %s|%s\n' "$1" "${2//|//}" "$load" >>"$scratch/rows"
}

# measure NAME SHARE_S ARGUMENTS...
measure() {
    local name=$1 limit=$(($2 + spare)) began=$SECONDS status=0 late=
    shift 2
    echo "== $name"
    set -m # a process group of its own, in which an interrupt is not ignored
    bash "$here/$name.sh" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null &
    row_pid=$!
    set +m
    while kill -0 "$row_pid" 2>/dev/null; do
        [ $((SECONDS - began)) -lt "$limit" ] || { late=1; break; }
        sleep 0.2
    done
    local pid=$row_pid
    [ -z "$late" ] || end_row
    wait "$pid" || status=$?
    row_pid=
    grep -v '^row|' "$scratch/out" || true
    echo "   exit code $status after $((SECONDS - began)) s"
    spare=$((limit - (SECONDS - began)))
    [ $spare -ge 0 ] || spare=0
    if [ -n "$late" ]; then
        broke "$name" "did not end within $limit s"
    elif [ $status -gt 1 ]; then
        broke "$name" "exit code $status: $(tail -n 1 "$scratch/err" | tr -d '\r')"
    elif ! grep '^row|' "$scratch/out" >>"$scratch/rows"; then
        broke "$name" "it gave no figure"
    fi
    ! grep -q '^row|.*|MISSED|' "$scratch/out" || missed=1
}
for entry in "${chosen[@]}"; do
    # shellcheck disable=SC2086 # they are words
    measure $entry
done

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
echo
echo "$(date -u +%F), $(git rev-parse --short HEAD 2>/dev/null || echo no commit), $(nproc) cores (${cpu:-unknown}), $(. /etc/os-release && echo "$PRETTY_NAME"), $(openssl version | cut -d' ' -f1,2), $(go version | cut -d' ' -f3), $SECONDS s in all"
echo
echo "| what | ours: median (least..most) | against | ratio | want | | load |"
echo "|---|---|---|---|---|---|---|"
awk -F'|' '{ sub(/^row\|/, ""); gsub(/\|/, " | "); gsub(/ +/, " "); print "| " $0 " |" }' "$scratch/rows"
[ $broken = 0 ] || exit 3
exit $missed
