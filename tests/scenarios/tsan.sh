#!/bin/bash
# Nothing races: what has threads (spool, database connections, judge, metrics and webhooks) under ThreadSanitizer, as unit tests and
# as a collector with two agents for some rounds. Only that is built a second time, in build/tsan.
tsan_source=${PARALLAX_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
units=(agent.duty.spool agent.duty.uplink agent.probe.prober agent.probe.resolver proto.link.channel
    collector.ingest.ingest collector.judge.judge collector.outlet.alert collector.outlet.metrics collector.store.pg)
if [ -z "${SCENARIO_WORK:-}" ]; then # once, before lib.sh becomes somebody who may not write here
    options=(-DPARALLAX_WERROR=OFF)
    ! command -v ccache >/dev/null || options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
    log=$tsan_source/build/tsan/build.log
    mkdir -p "${log%/*}"
    (cd "$tsan_source" && cmake --preset tsan "${options[@]}" &&
        cmake --build --preset tsan -j "$(nproc)" --target parallax-agent parallax-collector translations lab-server "${units[@]/#/unit.}") \
        >"$log" 2>&1 || { tail -40 "$log" >&2; exit 1; }
fi
export PARALLAX_SOURCE_DIR=$tsan_source PARALLAX_BUILD_DIR=$tsan_source/build/tsan
. "$(dirname "$0")/lib.sh"
export TSAN_OPTIONS="exitcode=66 history_size=4"

# --- unit tests ---
for unit in "${units[@]}"; do
    PARALLAX_SOURCE_DIR=$source_dir "$build_dir/unit/unit.$unit" >"logs/$unit" 2>&1 || fail "unit.$unit"
done
ok "${#units[@]} unit programs with threads, sockets or files: no race"

# --- a collector with all that it does beside taking in, and two agents ---
"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
read -r metrics_port hook_port <<<"$("$LAB_SERVER" ports 2 | tr '\n' ' ')"
touch heard
start webhook perl "$source_dir/tests/lab/webhook.pl" "$hook_port" "$work/heard"
start_collector --metrics "127.0.0.1:$metrics_port" --webhook "http://127.0.0.1:$hook_port/"
add_lab_sites
enroll hk-1 hk 9304 --source "$lab_hk"
enroll cn-1 cn 4837 --source "$lab_cn"
start_agent hk-1
start_agent cn-1
wait_for 90 "three rounds of two vantages" at_least 3 full_rounds 2 7
judged() { sql "SELECT count(*) FROM incident"; }
wait_for 60 "a judgement" at_least 1 judged
curl -sS --max-time 10 -o metrics "http://127.0.0.1:$metrics_port/metrics"
grep -q '^# EOF' metrics || fail "no metrics"
stop "$agent_pid"
start_agent cn-1
wait_for 60 "more rounds after an agent came back" at_least 5 full_rounds 2 7
stop "$collector_pid"
stop "$agent_pid"
! grep -l ThreadSanitizer logs/* || fail "a race"
ok "rounds, judgement, metrics and a webhook: no race"
