#!/bin/bash
# The systemd units shut the programs in, and the programs work in there: systemd-analyze scores the units, and both programs run as
# near to them as can be without systemd: no new privileges, no capabilities, and where root allows it a read-only tree with a /tmp of
# its own, where only the state folder can be written to.

units=${PARALLAX_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/deploy/systemd
if [ "$(id -u)" = 0 ] && [ -z "${units_shut:-}" ]; then
    tree='mount -t tmpfs -o mode=1777 tmpfs /tmp && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && mount -o remount,bind,ro /'
    if unshare --mount --propagation private bash -c "$tree" 2>/dev/null; then
        units_shut=full exec unshare --mount --propagation private bash -c "$tree"' && exec bash "$0" "$@"' "$0" "$@"
    fi
    echo "note: this root may not mount, so the tree stays writable"
    export units_shut=part
fi
. "$(dirname "$0")/lib.sh"
command -v systemd-analyze >/dev/null || { echo "skipped: systemd-analyze is not installed (deploy/install-deps.sh --test)"; exit 77; }

for name in agent collector; do
    line=$(systemd-analyze security --offline=true "$units/parallax-$name.service" 2>&1 | tail -1)
    score=$(grep -oE '[0-9]+\.[0-9]' <<<"$line") || fail "no score: $line"
    awk -v score="$score" 'BEGIN { exit !(score <= 2.0) }' || fail "parallax-$name.service: exposure $score, at most 2.0 wanted"
    ok "${line#* }"
    sed "s#^ExecStart=parallax-$name#ExecStart=$build_dir/bin/parallax-$name#" "$units/parallax-$name.service" >"parallax-$name.service"
    expect_exit 0 systemd-analyze verify --man=no "$work/parallax-$name.service"
    [ -z "$out$err" ] || { show_run; fail "systemd-analyze verify has something to say of parallax-$name.service"; }
    ok "parallax-$name.service verifies"
done

shut=(setpriv --no-new-privs --inh-caps=-all)
if [ "${units_shut:-}" = full ]; then
    ! touch /var/tmp/units 2>/dev/null || fail "the tree can be written to"
    ok "the tree is read-only, with a /tmp and a /dev/shm of its own"
fi
grep -q '^NoNewPrivs:.*1' <("${shut[@]}" cat /proc/self/status) || fail "privileges can still be gained"

collector_port=$(free_port)
start collector "${shut[@]}" "$collector_program" serve --state "$state" --listen "127.0.0.1:$collector_port"
collector_pid=$started
wait_for 60 "the collector to listen" listening_or_dead "$collector_port" "$collector_pid"
! gone "$collector_pid" || fail "the collector ended"
ok "the collector makes and starts its private database without privileges"
equal "roles of its connections" "$(sql "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'parallax\_%'")" \
    "parallax_ingest parallax_plan parallax_read"
! grep -q "without database roles" logs/collector || fail "serve runs without roles"
expect_exit 0 "$collector_program" db roles --state "$state"
expect_output "in force"

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
add_lab_sites
enroll cn-1 cn 4837 --source "$lab_cn"
start_agent cn-1 "${shut[@]}"
wait_for 60 "three rounds" at_least 3 full_rounds 1 7
ok "an agent without privileges probes, and its results arrive"
expect_exit 0 "$collector_program" vantage list --state "$state"
expect_output "cn-1"
stop "$agent_pid"
stop "$collector_pid"

# A key that others can read is not used.
for mode in 644 640; do
    chmod $mode "$state/pki/ca.key"
    refused 3 "ca\.key.*chmod" "$collector_program" serve --state "$state" --listen "127.0.0.1:$collector_port"
done
chmod 600 "$state/pki/ca.key"
