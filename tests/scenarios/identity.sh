#!/bin/bash
# Who a vantage is, over time: certificates of a minute that are renewed in live sessions, kills in the middle of it, certificates
# that have ended, revoking seen from both ends, and secrets that are nowhere they should not be.
. "$(dirname "$0")/lib.sh"

start_collector --vantage-validity 1m --metrics "127.0.0.1:$(free_port)"
metrics=$(grep -oE 'http://[^ ]*/metrics' logs/collector)
metric() { curl -fsS "$metrics" | awk -v series="$1" 'index($0, series) == 1 { print $NF }'; }
now_ms() { date +%s%3N; }
certificate_of() { openssl x509 -in "agents/$1/identity.pem" -noout -fingerprint -sha256 | tr -d ':' | sed 's/.*=//' | tr A-F a-f; }
in_force() { sql "SELECT encode(certificate_sha256, 'hex') FROM vantage WHERE name = '$1'"; }
key_matches() {
    [ "$(openssl pkey -in "agents/$1/identity.pem" -pubout 2>/dev/null)" = "$(openssl x509 -in "agents/$1/identity.pem" -noout -pubkey)" ]
}
renewed() { grep -q "certificate renewed" "logs/agent.$1"; }

# An agent whose own clock is wrong by more than a year.
library=$(dpkg -L libfaketime | grep '/libfaketime\.so\.1$')
agent_program_true=$agent_program
wrong_clock() { # OFFSET
    cat >"agent.wrong" <<WRAPPER
#!/bin/bash
export ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$library FAKETIME=$1 FAKETIME_DONT_FAKE_MONOTONIC=1
exec "$agent_program_true" "\$@"
WRAPPER
    chmod +x agent.wrong
    agent_program=$work/agent.wrong
}

# Vantages whose certificates are to be renewed: one as it should be, one that is killed over and over, one that stays off, and two
# with wrong clocks.
declare -A first
for name in hk-1 hk-2 hk-3 hk-4 hk-5; do
    case $name in
    hk-4) wrong_clock -400d ;;
    hk-5) wrong_clock +400d ;;
    esac
    enroll "$name" hk ""
    [ "$agent_program" = "$agent_program_true" ] || start_agent "$name"
    first[$name]=$(certificate_of "$name")
    equal "mode of $name's identity.pem" "$(stat -c %a "agents/$name/identity.pem")" 600
done
enrolled_s=$(date +%s)
for old in key.pem certificate.pem; do [ ! -e "agents/hk-1/$old" ] || fail "$old is still written"; done
agent_program=$agent_program_true
start_agent hk-1
hk_1=$agent_pid
start_agent hk-2
hk_2=$agent_pid
wait_for 30 "four agents to connect" at_least 4 connected

# --- tokens, while those wait for their time -------------------------------------------------------------------------------------

# A token from a file, one from standard input, and none on a command line.
token=$(new_token us-1 us)
(umask 077 && printf '%s\n' "$token" >token)
chmod 644 token
refused 2 "others may read this token" "$agent_program" enroll --state agents/us-1 --collector "127.0.0.1:$collector_port" --token-file token --allow any
chmod 600 token
expect_exit 0 "$agent_program" enroll --state agents/us-1 --collector "127.0.0.1:$collector_port" --token-file token --allow any
token=$(new_token us-2 us)
printf '%s\n' "$token" | "$agent_program" enroll --state agents/us-2 --collector "127.0.0.1:$collector_port" --token - --allow any >logs/enroll.us-2 2>&1
ok "tokens from a file and from standard input: $(head -1 logs/enroll.us-2)"

# While it enrols (held up by a collector that does not answer), nobody else can read it.
token=$(new_token us-3 us)
(umask 077 && printf '%s\n' "$token" >token-3)
kill -STOP "$collector_pid"
start enroll.us-3 "$agent_program" enroll --state agents/us-3 --collector "127.0.0.1:$collector_port" --token-file token-3 --allow any
enrolling=$started
sleep 0.5
ps axww -o pid,args >ps.list
kill -CONT "$collector_pid"
grep -q "^ *$enrolling .*--token-file token-3" ps.list || fail "it did not run while it was looked at"
! grep -qF "${token##*.}" ps.list || fail "a token is on a command line"
wait "$enrolling" || fail "held up for half a second, it does not enrol"
ok "a token from a file is on no command line while it is used"

# The same token once more, after the collector and its database have been started again.
stop "$collector_pid"
start_collector --vantage-validity 1m --metrics "${metrics:7:-8}"
refused 3 "token was used" "$agent_program" enroll --state agents/again --collector "127.0.0.1:$collector_port" --token-file token --allow any
wait_for 30 "the agents to be back" at_least 4 connected

# Two agents with one token, at once.
token=$(new_token race-1 us)
for i in 1 2; do
    "$agent_program" enroll --state "agents/race-$i" --collector "127.0.0.1:$collector_port" --token "$token" --allow any >"logs/enroll.race-$i" 2>&1 &
    pids+=($!)
    racers[i]=$!
done
won=0
for i in 1 2; do ! wait "${racers[i]}" || won=$((won + 1)); done
equal "agents that one token let in" "$won" 1
grep -hq "the token was used" logs/enroll.race-* || fail "the loser was told nothing"

# --- TLS ---------------------------------------------------------------------------------------------------------------------------

before=$(metric 'parallax_peers_refused_total{reason="tls"}')
! openssl s_client -connect "127.0.0.1:$collector_port" -tls1_2 </dev/null >logs/tls12 2>&1 || fail "TLS 1.2 was accepted"
wait_for 10 "a reason in the log" grep -qE "session 127.0.0.1: TLS: (unsupported protocol|no protocols|.*version)" logs/collector
ok "TLS 1.2 is refused: $(grep -E -m1 'session 127.0.0.1: TLS: ' logs/collector)"
at_least $((${before:-0} + 1)) metric 'parallax_peers_refused_total{reason="tls"}' || fail "a refused TLS 1.2 is not counted"
grep -q "New, TLSv1.3" <(openssl s_client -connect "127.0.0.1:$collector_port" -tls1_3 </dev/null 2>&1) || fail "no TLS 1.3"

# --- what `run` refuses -------------------------------------------------------------------------------------------------------------

cp -r agents/us-1 agents/broken
chmod 644 agents/broken/identity.pem
refused 3 "others may read this key.*chmod 600" "$agent_program" run --state agents/broken
openssl x509 -in agents/us-2/identity.pem >us-2.pem
(umask 077 && { openssl pkey -in agents/us-1/identity.pem; cat us-2.pem; } >both)
chmod 600 agents/broken/identity.pem
cat both >agents/broken/identity.pem
refused 3 "do not belong together" "$agent_program" run --state agents/broken
head -c 300 both >agents/broken/identity.pem
refused 3 "identity.pem: no PEM private key and certificate" "$agent_program" run --state agents/broken

# --- renewing -----------------------------------------------------------------------------------------------------------------------

# hk-2 is killed again and again around its time: in the middle of asking, writing, and coming back.
until [ $(($(date +%s) - enrolled_s)) -ge 39 ]; do sleep 0.1; done
kills=0
while ! renewed hk-2 && [ $kills -lt 60 ]; do
    stop "$hk_2" KILL
    kills=$((kills + 1))
    start_agent hk-2
    hk_2=$agent_pid
    sleep "0.$((RANDOM % 5 + 3))"
    key_matches hk-2 || fail "identity.pem of hk-2 holds a key and a certificate that do not belong together"
done
stop "$hk_2" KILL
start_agent hk-2
hk_2=$agent_pid

for name in hk-1 hk-4 hk-5; do wait_for 40 "$name to renew" renewed "$name"; done
wait_for 10 "all four to be connected" at_least 4 connected
ok "renewed in its session: $(grep -m1 'certificate renewed' logs/agent.hk-1)"
for name in hk-4 hk-5; do ok "renewed with a clock of its own that is wrong: $(grep -m1 'certificate renewed' "logs/agent.$name")"; done
for name in hk-1 hk-4 hk-5; do
    wait_for 10 "$name to show its new certificate" test "$(certificate_of "$name")" = "$(in_force "$name")"
    [ "$(certificate_of "$name")" != "${first[$name]}" ] || fail "$name has its first certificate still"
    key_matches "$name" || fail "$name: key and certificate"
done
# past the end of the first certificates
until [ $(($(date +%s) - enrolled_s)) -ge 63 ]; do sleep 0.1; done
equal "vantages that outlived their first certificates" "$(sql "SELECT string_agg(name, ' ' ORDER BY name) FROM vantage WHERE connected_since IS NOT NULL")" "hk-1 hk-2 hk-4 hk-5"
ok "hk-2 was killed $kills times around its renewal, and is connected"
left=$(metric 'parallax_vantage_certificate_left_seconds{vantage="hk-1"')
awk -v left="${left:-0}" 'BEGIN { exit !(left > 0 && left <= 60) }' || fail "the gauge of hk-1's certificate says: $left"

# hk-3 was off all the time.
start_agent hk-3
hk_3=$agent_pid
wait_for 20 "hk-3 to be told" grep -q "this vantage's certificate ended on .*enrol again with a new token" logs/agent.hk-3
ok "an agent that was off for too long: $(grep -m1 'certificate ended' logs/agent.hk-3)"
grep -q "session 127.0.0.1: the peer's certificate does not verify: certificate has expired" logs/collector || fail "the collector does not say why"
stop "$hk_3"
expect_exit 0 "$collector_program" vantage list --state "$state"
expect_output "hk-3.*away.*ended"
expect_exit 0 "$collector_program" vantage show hk-3 --state "$state"
expect_output "certificate_not_after +20"
enroll hk-3 hk "" --force
start_agent hk-3
hk_3=$agent_pid
wait_for 20 "hk-3 to be back" at_least 5 connected
ok "enrolled again, it is back"
stop "$hk_3"

# --- revoking -----------------------------------------------------------------------------------------------------------------------

before=$(metric 'parallax_peers_refused_total{reason="revoked"}')
asked=$(now_ms)
expect_exit 0 "$collector_program" vantage revoke hk-1 --state "$state"
say "    operator: $out"
while ! grep -q "session hk-1: cut" logs/collector; do
    [ $(($(now_ms) - asked)) -lt 5000 ] || fail "5 s after vantage revoke the session lives"
    sleep 0.01
done
cut=$(now_ms)
status=0
wait "$hk_1" || status=$?
equal "exit code of the revoked agent" "$status" 3
say "    collector: $(grep -m1 'session hk-1: cut' logs/collector)"
say "    agent: $(grep -m1 'says goodbye (revoked)' logs/agent.hk-1)"
say "    agent: $(grep -m1 'has revoked' logs/agent.hk-1)"
ok "cut $((cut - asked)) ms after vantage revoke was started; the agent has ended after $(($(now_ms) - asked)) ms"
[ $((cut - asked)) -lt 5000 ] || fail "revoking takes too long"
expect_exit 3 "$agent_program" run --state agents/hk-1
expect_error "the vantage was revoked on"
ok "its next connection is refused, with the certificate it has renewed: $(grep -m1 'session hk-1: refused' logs/collector)"
equal "revocations counted" "$(metric 'parallax_peers_refused_total{reason="revoked"}')" "$((${before:-0} + 2))"
refused 3 "no vantage is called hk-9 .did you mean" "$collector_program" vantage revoke hk-9 --state "$state"

# --- secrets --------------------------------------------------------------------------------------------------------------------------

secrets() { # of every token, and a line out of the middle of every private key
    grep -rhoE 'plx1\.[0-9a-f]{64}\.[A-Za-z0-9_-]{43}' token | sed 's/.*\.//'
    printf '%s\n' "${token##*.}"
    for file in agents/*/identity.pem "$state"/pki/ca.key; do sed -n '/PRIVATE KEY/{n;p;q}' "$file"; done
}
secrets >secrets.list
chmod 600 secrets.list
[ "$(wc -l <secrets.list)" -ge 8 ] || fail "too few secrets to look for"
pg_dump -h "$state/run" -p 5432 -U parallax -d postgres >dump.sql 2>logs/dump || "$(ls -d /usr/lib/postgresql/*/bin | tail -1)/pg_dump" -h "$state/run" -p 5432 -U parallax -d postgres >dump.sql
grep -q "COPY public.token" dump.sql || fail "no dump"
for place in dump.sql logs; do
    ! grep -rqFf secrets.list "$place" || fail "a secret is in $place"
done
while read -r file; do
    ! grep -qFf secrets.list "$file" || fail "$file can be read by others, and holds a secret"
done < <(find . -type f -perm /077 ! -path './collector/pg/*')
ok "no secret is in the database, a log, or a file that others may read"
