#!/bin/bash
# What a resident agent costs its machine: its memory after a few rounds, when it waits for the next. Several agents of one
# collector, each a process of its own, are as many measurements. At most 12 MB resident.
#   tests/bench/idle_agent.sh [AGENTS]        5
. "$(dirname "$0")/begin.sh"
at_most 1 "$@"
. "$(dirname "$0")/../scenarios/lib.sh"
. "$(dirname "$0")/lib.sh"
agents=${1:-5}

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
start_collector
while read -r line; do
    # shellcheck disable=SC2086 # the line is options
    expect_exit 0 "$collector_program" site add $line --interval 2s --state "$state"
done <"$work/lab/sites"
agent_pids=()
for n in $(seq "$agents"); do
    enroll "hk-$n" hk 9304
    start_agent "hk-$n"
    agent_pids+=("$agent_pid")
done
wait_for 60 "five rounds" at_least 5 full_rounds "$agents" 7

memory() { # KEY: of each agent
    local pid
    for pid in "${agent_pids[@]}"; do awk -v key="$1:" '$1 == key { printf "%.1f\n", $2 / 1024 }' "/proc/$pid/status"; done
}
row "resident memory of an idle agent (peak $(memory VmHWM | median) MB)" "$(memory VmRSS | spread %.1f) MB" - "$(memory VmRSS | median)" "<=" 12 MB
finish
