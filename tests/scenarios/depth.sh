#!/bin/bash
# Rounds that go no further than the answer to a ClientHello: what they say of servers that are well, though not in what nobody asked them,
# and of a port that resets, keeps silent, and then refuses; the verdict in both languages; and a person who asks sees all.
. "$(dirname "$0")/lib.sh"

mkdir -p lab
pki() { "$source_dir/tests/lab/pki.sh" "$work/lab/pki" "$@"; }
port=$(free_port) shaky=$(free_port)
[ "$port" != "$shaky" ] || fail "ports came twice"
pki init
pki leaf new --names www.new.example --valid past
pki leaf old --names www.old.example
export SSL_CERT_FILE=$work/lab/pki/root.pem
server() { # ADDRESS NAME VERSION
    echo "server { listen $1:$port ssl; ssl_certificate $work/lab/pki/$2.chain.pem; ssl_certificate_key $work/lab/pki/$2.key;"
    echo "ssl_protocols $3; location / { return 503; } }"
}
{ server 127.0.2.1 new TLSv1.3; server 127.0.2.2 old TLSv1.2; } | "$lab" nginx "$work/lab" web

start_collector
expect_exit 0 "$collector_program" site add new --plain "www.new.example:$port@127.0.2.1" --interval 2s --depth hello --state "$state"
printf 'site,target,interval,depth\nold,www.old.example:%s@127.0.2.2,2s,hello\nshaky,www.shaky.example:%s@127.0.0.1,2s,hello\nspare,spare.example,1h,\n' \
    "$port" "$shaky" >sites.csv
expect_exit 0 "$collector_program" site import sites.csv --state "$state"

# --- the option ---------------------------------------------------------------------------------------------------------

depths() { jq -r '[.rows[] | "\(.site) \(.depth)"] | join(", ")'; }
expect_exit 0 "$collector_program" site list --format json --state "$state"
equal "depths of the sites" "$(depths <<<"$out")" "new hello, old hello, shaky hello, spare full"
printf 'sites:\n  - name: spare\n    depth: hello\n    endpoints: [{target: spare.example}]\n' >sites.yaml
expect_exit 0 "$collector_program" site import sites.yaml --state "$state"
expect_output "^sites: 0 added, 1 changed"
expect_exit 0 "$collector_program" site list --format csv --state "$state"
expect_output "^site,.*,depth,"
expect_output "^spare,.*,hello,"
expect_exit 0 "$collector_program" site show spare --state "$state"
expect_output "^depth: hello"
expect_exit 0 "$collector_program" site show spare --lang zh --state "$state"
expect_output "^深度：hello"
expect_exit 0 "$collector_program" site set spare --depth full --state "$state"
expect_exit 0 "$collector_program" site show spare --state "$state"
! grep -q '^depth' <<<"$out" || fail "a full depth is told of"
expect_exit 0 "$collector_program" site show spare --format json --state "$state"
equal "depth of spare" "$(jq -r '.rows[0].depth' <<<"$out")" full
refused 2 '--depth deep: expected full or hello' "$collector_program" site set spare --depth deep --state "$state"
refused 2 '--depth: bad depth "deep" \(expected full or hello\)' "$collector_program" site add x --plain x.example --depth deep --state "$state"

# --- servers that are well ------------------------------------------------------------------------------------------------

raw() { # BYTES-OR-NOTHING THEN: on the shaky port, in place of what was there
    [ -z "${raw_pid:-}" ] || stop "$raw_pid"
    start raw "$build_dir/lab/lab-raw" "$shaky" answer "$1" ${2:+"$2"}
    raw_pid=$started
}
raw reset
enroll hk hk 9304
enroll cn cn 4837
start_agent hk
start_agent cn

made() { # SITE SQL: attempts
    sql "SELECT count(*) FROM attempt a JOIN endpoint e ON e.id = a.endpoint_id JOIN site s ON s.id = e.site_id WHERE s.name = '$1' AND $2"
}
wait_for 60 "three rounds" at_least 3 full_rounds 2 3
well="a.class = 0 AND a.handshake_us IS NULL AND a.chain_id IS NULL AND a.http_status IS NULL AND a.first_byte_us IS NOT NULL AND a.engine = 2"
wait_for 60 "TLS 1.3 to be well" at_least 6 made new "$well AND a.tls_version = 772 AND a.cipher = 4866 AND a.variant = 0"
wait_for 60 "TLS 1.2 to be well" at_least 6 made old "$well AND a.tls_version = 771 AND a.variant = 0"
equal "outcomes on them" "$(sql "SELECT string_agg(DISTINCT s.name || ' ' || a.class, ', ') FROM attempt a JOIN endpoint e ON e.id = a.endpoint_id
    JOIN site s ON s.id = e.site_id WHERE s.name IN ('new', 'old')")" "new 0, old 0"
equal "attempts on them that are no first ones" "$(made new "a.variant <> 0")$(made old "a.variant <> 0")" 00
expect_exit 0 "$collector_program" report diff --since 10m --site new --state "$state"
expect_exit 0 "$collector_program" report diff --since 10m --site old --state "$state"
expect_exit 0 "$collector_program" report certs --since 10m --format json --state "$state"
equal "certificates that anybody has seen" "$(jq '.rows | length' <<<"$out")" 0
expect_exit 0 "$collector_program" report matrix --since 10m --site new --format json --state "$state"
equal "what the matrix shows of new" \
    "$(jq -r '[.cells[] | "\(.passed > 0) \(.failed) \(.handshake_us) \(.look.tls_version) \(.look.http_status)"] | unique | join(", ")' <<<"$out")" \
    "true 0 null 772 null"

# --- an agent from before there were depths ----------------------------------------------------------------------------------

enroll older us 174
start older "$build_dir/lab/agent-before-depth" run --state "$work/agents/older"
older_pid=$started
of_older() { sql "SELECT count(*) FROM attempt a JOIN endpoint e ON e.id = a.endpoint_id JOIN site s ON s.id = e.site_id JOIN vantage v ON v.id = a.vantage_id
    WHERE v.name = 'older' AND s.name = '$1' AND a.role = 0 AND $2"; }
wait_for 90 "full attempts" at_least 6 of_older new "a.class = 60 AND a.handshake_us IS NOT NULL"
wait_for 90 "requests" at_least 6 of_older old "a.class BETWEEN 80 AND 89 AND a.http_status = 503"
judged() { sql "SELECT count(*) FROM round WHERE judged_at IS NOT NULL AND id >= (SELECT min(a.round_id) FROM attempt a JOIN vantage v ON v.id = a.vantage_id WHERE v.name = 'older')"; }
wait_for 90 "five rounds with it to be judged" at_least 5 judged
for site in new old; do
    expect_exit 0 "$collector_program" report diff --since 10m --site "$site" --state "$state"
    expect_exit 0 "$collector_program" report matrix --since 10m --site "$site" --format json --state "$state"
    equal "cells of $site that fail" "$(jq '[.cells[] | select(.failed > 0)] | length' <<<"$out")" 0
    equal "incidents of $site" "$(sql "SELECT count(*) FROM incident i JOIN incident_endpoint ie ON ie.incident_id = i.id JOIN endpoint e ON e.id = ie.endpoint_id
        JOIN site s ON s.id = e.site_id WHERE s.name = '$site'")" 0
done
expect_exit 0 "$collector_program" export --state "$state" --site new --output mixed.ndjson
equal "depths with it" "$(jq -r 'select(.kind == "attempt") | "\(.vantage) \(.depth)"' mixed.ndjson | sort -u | paste -sd,)" "cn hello,hk hello,older full"
stop "$older_pid"
expect_exit 0 "$collector_program" vantage revoke older --state "$state"

# --- a port that fails, in one way after the other --------------------------------------------------------------------------

last_of() { # SITE: classes of the first attempts of its last whole round
    sql "SELECT string_agg(DISTINCT class::text, ' ') FROM attempt a
         WHERE role = 0 AND round_id = (SELECT max(round_id) FROM (SELECT a.round_id FROM attempt a JOIN endpoint e ON e.id = a.endpoint_id
                JOIN site s ON s.id = e.site_id JOIN round r ON r.id = a.round_id
                WHERE s.name = '$1' AND r.interval_s > 0 AND a.role = 0 GROUP BY a.round_id HAVING count(DISTINCT a.vantage_id) >= 2) AS whole)
           AND endpoint_id IN (SELECT e.id FROM endpoint e JOIN site s ON s.id = e.site_id WHERE s.name = '$1')"
}
fails_as() { [ "$(last_of shaky)" = "$1" ]; }
cause_is() { # CAUSE TEXT CHINESE
    expect_exit 1 "$collector_program" report diff --rounds 1 --site shaky --format json --state "$state"
    [ "$(jq -r '[.findings[] | .why.verdict.cause // empty] | unique | join(" ")' <<<"$out")" = "$1" ] || return 1
    expect_exit 1 "$collector_program" report diff --rounds 1 --site shaky --state "$state"
    expect_output "$2"
    expect_exit 1 "$collector_program" report diff --rounds 1 --site shaky --lang zh --state "$state"
    expect_output "$3"
}
phase() { # NUMBER CAUSE TEXT CHINESE: of proto/words/outcome.h
    wait_for 90 "class $1" fails_as "$1"
    wait_for 90 "$2" cause_is "$2" "$3" "$4"
    ok "shaky: $2, in two languages"
}
phase 40 hello.server_reset "reset" "重置"
raw hold
phase 42 hello.server_silent "silen|answer" "沉默|应答|回应"
raw close 15030100020228
phase 50 tls.handshake_failure "alert" "告警|警报"
equal "attempts at a greater depth, in all of it" "$(sql "SELECT count(*) FROM attempt a JOIN vantage v ON v.id = a.vantage_id
    WHERE v.name <> 'older' AND (handshake_us IS NOT NULL OR request_us IS NOT NULL)")" 0
wait_for 60 "the ladder to be climbed at this depth" at_least 1 made shaky "a.variant > 1 AND a.engine = 2"

# --- in the evidence, and out and in again ------------------------------------------------------------------------------------

expect_exit 0 "$collector_program" export --state "$state" --output out.ndjson
equal "depths in an export" "$(jq -r 'select(.kind == "attempt" and .vantage != "older") | .depth' out.ndjson | sort -u)" hello
equal "depths of its sites" "$(jq -r 'select(.kind == "site") | .depth' out.ndjson | sort -u)" hello
run "$collector_program" replay --keep "$work/again" out.ndjson
[ "$status" -le 1 ] || { show_run; fail "an export is not replayed"; }
expect_exit 0 "$collector_program" export --state "$work/again" --output again.ndjson
cmp <(grep '"kind":"\(attempt\|site\)"' out.ndjson | jq -S 'del(.sequence, .round_id)' | sort) \
    <(grep '"kind":"\(attempt\|site\)"' again.ndjson | jq -S 'del(.sequence, .round_id)' | sort) || fail "out and in again: other lines"
ok "out and in again: the same lines"

# --- who asks for a round wants to know all -------------------------------------------------------------------------------------

run "$collector_program" probe "www.new.example:$port@127.0.2.1" --state "$state" --format json
[ "$status" = 1 ] || { show_run; fail "a person who asks is not told of the certificate"; }
at_least 2 made new "a.class = 60 AND a.handshake_us IS NOT NULL" || at_least 2 sql "SELECT count(*) FROM attempt WHERE class = 60 AND handshake_us IS NOT NULL" ||
    fail "the round of a person was no full one"
ok "a round that a person asks for is full"
