#!/bin/bash
# What a resident agent costs its machine: its memory after a few rounds, when it waits for the next. At most 12 MB resident.
: "${PARALLAX_BUILD_DIR:=$(cd "$(dirname "$0")/../.." && pwd)/build/release}"
export PARALLAX_BUILD_DIR
. "$(dirname "$0")/../scenarios/lib.sh"
. "$source_dir/tests/bench/lib.sh"

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
start_collector
while read -r line; do
    # shellcheck disable=SC2086 # the line is options
    expect_exit 0 "$collector_program" site add $line --interval 2s --state "$state"
done <"$work/lab/sites"
enroll hk-1 hk 9304
start_agent hk-1
wait_for 60 "five rounds" at_least 5 full_rounds 1 7

memory() { awk -v key="$1:" '$1 == key { printf "%.1f", $2 / 1024 }' "/proc/$agent_pid/status"; }
row "resident memory of an idle agent (peak $(memory VmHWM) MB)" "$(memory VmRSS) MB" - "$(memory VmRSS)" "<=" 12 MB
finish
