#!/bin/bash
# Very many endpoints, a hello each: what comes of each sort of answer, what a list may hold, what an owner forbids, and that a
# sweep which was broken off in whatever way has each endpoint once in its results when it is over.
. "$(dirname "$0")/lib.sh"

set -- $("$LAB_SERVER" ports 7)
good=$1 reset=$2 silent=$3 alert=$4 http=$5 closed=$6 gone=$7
"$source_dir/tests/lab/pki.sh" "$work/pki" init
"$source_dir/tests/lab/pki.sh" "$work/pki" leaf www.shop.example
server="ssl_certificate $work/pki/www.shop.example.chain.pem; ssl_certificate_key $work/pki/www.shop.example.key;"
mkdir -p lab
"$lab" nginx "$work/lab" good <<<"server { listen 0.0.0.0:$good ssl; ssl_protocols TLSv1.2 TLSv1.3; $server }"
raw() { start "raw.$1" "$build_dir/lab/lab-raw" "$@"; wait_for 10 "lab-raw" listening "$1"; } # PORT WHEN THEN [BYTES]
raw "$reset" answer reset
raw "$silent" answer hold
raw "$alert" answer close 15030300020228
raw "$http" answer close 485454502f312e3120343030204261642052657175657374
raw "$closed" answer close
sweep() { "$agent_program" sweep --address-rate 1000 "$@"; }

# --- what comes of it --------------------------------------------------------------------------------------------------------------

printf '%s\n' "# one of each" "127.0.0.1:$good" "127.0.0.1:$reset" "127.0.0.1:$silent" "127.0.0.1:$alert" "127.0.0.1:$http" \
    "127.0.0.1:$closed" "127.0.0.1:$gone" "nowhere.invalid:$gone" "127.0.0.2/31:$good" >each
expect_exit 1 sweep -f each --timeout 2s --resolver "127.0.0.1:$gone" --format csv
equal "lines" "$(wc -l <<<"$out")" 11
outcomes() { sed 1d <<<"$out" | awk -F, '{ print $3, $6 }' | sort -n | uniq; }
equal "outcomes" "$(outcomes)" "$(sort -n <<END
$good ok
$reset hello.reset
$silent hello.silent
$alert tls.alert
$http tls.not_tls
$closed hello.closed
$gone dns.timeout
$gone tcp.refused
END
)"
expect_output ",ok,,TLSv1.3,TLS_AES_256_GCM_SHA384,X25519,"
expect_output ",tls.alert,alert 40 handshake_failure,"

expect_exit 1 sweep "127.0.0.1:$good" "127.0.0.2:$good" "127.0.0.1:$reset"
expect_output '^3 endpoints: 2 answered, 1 failed$'
expect_output "^ +1  reset after ClientHello +such as 127.0.0.1:$reset$"
ok "$(head -1 "$work/out")"

# The same evidence as of a probe: it can be judged, and read back, like any attempt.
expect_exit 0 sweep "127.0.0.1:$good" --sni www.shop.example --format ndjson
for key in '"schema":1,' '"sni":"www.shop.example"' '"hello_retry":false' '"version":{"number":772,"name":"TLSv1.3"}' \
    '"group":{"number":29,"name":"X25519"}' '"how":"by-us"' '"hello_profile":"openssl-default"' '"first_bytes":"160303'; do
    grep -qF -- "$key" <<<"$out" || { show_run; fail "no $key"; }
done
ok "an attempt of a sweep says what an attempt says"
expect_exit 0 "$agent_program" sweep --hello openssl-tls12 "127.0.0.1:$good" --format csv
expect_output ',ok,,TLSv1.2,'
for profile in chrome firefox safari curl go openssl-large openssl-wide; do
    expect_exit 0 "$agent_program" sweep --hello $profile "127.0.0.1:$good" --format csv
done
ok "every profile's hello is answered"

# --- lists -------------------------------------------------------------------------------------------------------------------------

printf '%s\n' "127.0.0.1:$good" "-bad.example" "127.0.0.0/40" >bad
expect_exit 2 sweep -f bad
expect_error '^parallax-agent: bad:2: endpoint "-bad.example": not a host name'
expect_error '^parallax-agent: bad:3: endpoint "127.0.0.0/40": not a network'
[ -z "$out" ] || fail "something was swept: $out"
ok "a bad list is refused as a whole, line by line"
refused 2 '^parallax-agent: no endpoint' "$agent_program" sweep
refused 3 '^parallax-agent: nolist: No such file' "$agent_program" sweep -f nolist
refused 2 '--resume goes with --output' "$agent_program" sweep --resume "127.0.0.1:$good"
refused 2 '^parallax-agent: --hello: "nothing" is none of openssl-default' "$agent_program" sweep --hello nothing "127.0.0.1:$good"
printf 'host,port,sni\n127.0.0.1,%s,www.shop.example\n127.0.0.2,%s,\n' "$good" "$good" >list.csv
run bash -c 'cat list.csv | "$0" sweep -f - --format csv' "$agent_program"
equal "exit code of a list from a pipe" "$status" 0
equal "endpoints of it" "$(grep -c ",ok," <<<"$out")" 2
expect_output ",127.0.0.1,$good,www.shop.example,127.0.0.1,ok,"

# --- the owner ---------------------------------------------------------------------------------------------------------------------

start canary perl "$source_dir/tests/lab/canary.pl" "$work/heard" 127.0.9.1 "$gone" hold 127.0.9.2 "$gone" hold 127.0.0.1 "$gone" hold
wait_for 10 "the canary" grep -q listening logs/canary
mkdir -p owner
cat >owner/agent.yaml <<END
collectors: ["127.0.0.1:1"]
allow: [localhost, "*.shop.example", 127.0.9.1]
deny: [bad.shop.example]
ports: [$gone]
END
expect_exit 3 sweep --state owner "127.0.9.2:$gone" "localhost:$gone" "bad.shop.example:$gone" "other.example:$gone" "127.0.9.1:$good" -4 --format csv
equal "refused by the owner" "$(grep -c ',local.policy,' <<<"$out")" 5
expect_exit 3 sweep --state owner "localhost:$gone" -4 --format ndjson
expect_output '"detail":"allow: 127.0.0.1 is a loopback address'
equal "connections where none was allowed" "$(awk '$1 != "127.0.9.1"' heard | wc -l)" 0
expect_exit 1 sweep --state owner "127.0.9.1:$gone" --timeout 300ms --format csv
expect_output ',hello.silent,'
equal "connections where one was allowed" "$(wc -l <heard)" 1
refused 3 'no collector is named|agent.yaml' "$agent_program" sweep --state nowhere "127.0.0.1:$gone"

# --- broken off, and gone on with ----------------------------------------------------------------------------------------------------

network=127.1.0.0/22 # 1,024 addresses
printf '%s\n' "$network:$good" "127.0.0.1:$silent" >wide
begin() { start "sweep$1" "$agent_program" sweep -f wide --rate 250 --timeout 60s --output results.csv --format csv ${2:+"$2"}; }
far() { awk -v at="$1" '$1 == "next" && $2 > at { found = 1 } END { exit !found }' results.csv.checkpoint 2>/dev/null; }
begin 1
wait_for 30 "a first checkpoint" far 100
stop "$started" KILL
equal "endpoints in a checkpoint" "$(grep -c '^end$' results.csv.checkpoint)" 1
refused 3 'results.csv exists' "$agent_program" sweep -f wide --output results.csv --format csv
refused 3 'was begun with another list' "$agent_program" sweep -f each --output results.csv --resume --format csv
at=$(awk '$1 == "next" { print $2 }' results.csv.checkpoint)
begin 2 --resume
wait_for 30 "a later checkpoint" far "$at"
code=0
kill -INT "$started"
wait "$started" || code=$?
equal "exit code of an interrupted sweep" "$code" 3
grep -q 'the same command with --resume goes on' logs/sweep2 || fail "nobody said how to go on"
stop_raw=$(pgrep -f "lab-raw $silent" -u "$(id -u)" -P $$ | head -1)
stop "$stop_raw" KILL # the endpoint that kept silent refuses now, so that the sweep has an end
run "$agent_program" sweep -f wide --timeout 60s --rate 2000 --output results.csv --format csv --resume
equal "exit code of the sweep at its end" "$status" 1
expect_output '^1025 endpoints: 1024 answered, 1 failed$'
equal "results" "$(sed 1d results.csv | wc -l)" 1025
equal "endpoints that are there twice" "$(sed 1d results.csv | cut -d, -f2,3 | sort | uniq -d | wc -l)" 0
equal "headers" "$(grep -c '^start,' results.csv)" 1
[ ! -e results.csv.checkpoint ] || fail "a complete sweep left its checkpoint"
refused 3 'nothing to go on with' "$agent_program" sweep -f wide --output results.csv --format csv --resume
