#!/bin/bash
# Who gets in: wrong, used and expired tokens, certificates of others, and what revoking does.
. "$(dirname "$0")/lib.sh"

start_collector
enroll_with() { # TOKEN FOLDER
    "$agent_program" enroll --state "$work/agents/$2" --collector "127.0.0.1:$collector_port" --token "$1" --allow any
}

token=$(new_token hk-1 hk 9304 --label provider=lab)
[[ $token =~ ^plx1\.[0-9a-f]{64}\.[A-Za-z0-9_-]{43}$ ]] || fail "not a token: $token"
ok "a token has the form plx1.<64 hex>.<43 base64url>"
refused 3 "not one of this collector's.*token create" enroll_with "${token%?????}AAAAA" stranger
refused 3 "fingerprint|not the collector|CA|authority" enroll_with "plx1.$(printf '0%.0s' {1..64}).${token##*.}" stranger
refused 2 "token" enroll_with "not-a-token" stranger
[ ! -e agents/stranger/agent.pem ] || fail "a refused agent has a certificate"

expect_exit 0 enroll_with "$token" hk-1
expect_output "hk-1"
ok "enrolled: $(head -1 <<<"$out")"
refused 3 "token was used|used on|used at" enroll_with "$token" again
equal "folder mode" "$(stat -c %a agents/hk-1)" 700
for key in $(grep -rl 'PRIVATE KEY' agents/hk-1); do equal "mode of the key" "$(stat -c %a "$key")" 600; done
equal "labels" "$(sql "SELECT labels->>'provider' FROM vantage WHERE name = 'hk-1'")" lab

old=$(new_token hk-2 hk 9304 --ttl 1h)
sql "UPDATE token SET created_at = now() - interval '2 h', expires_at = now() - interval '1 h' WHERE vantage = 'hk-2'"
refused 3 "expired" enroll_with "$old" hk-2

start_agent hk-1
wait_for 20 "hk-1 to connect" at_least 1 connected
ok "hk-1 is connected"

# A certificate of another CA: an identity from another collector, turned to this one.
other_state=$work/other
other_port=$(free_port)
start other "$collector_program" serve --state "$other_state" --listen "127.0.0.1:$other_port"
other_pid=$started
wait_for 60 "the other collector" listening "$other_port"
other_token=$("$collector_program" token create --state "$other_state" --name hk-1 --region hk | head -1)
"$agent_program" enroll --state agents/foreign --collector "127.0.0.1:$other_port" --token "$other_token" --allow any >logs/enroll.foreign 2>&1
stop "$other_pid"
sed -i "s/127\.0\.0\.1:$other_port/127.0.0.1:$collector_port/" agents/foreign/agent.yaml
start_agent foreign
foreign_pid=$agent_pid
wait_for 20 "the foreign agent to refuse" grep -q "certificate does not verify" logs/agent.foreign
stop "$foreign_pid"
ok "an agent refuses a collector of another CA: $(grep -m1 "certificate does not verify" logs/agent.foreign)"

# ... even when the agent trusts this collector.
cp -r agents/foreign agents/forger
cp agents/hk-1/ca.pem agents/forger/ca.pem
start_agent forger
forger_pid=$agent_pid
wait_for 20 "the forger to be refused" grep -qiE "unknown CA|certificate" logs/agent.forger
equal "sessions" "$(connected)" 1
stop "$forger_pid"
ok "a collector refuses a certificate of another CA: $(grep -iE -m1 "unknown CA|certificate" logs/agent.forger)"

# Revoking cuts the live session, and it stays cut.
expect_exit 0 "$collector_program" vantage list --state "$state"
expect_output "hk-1.*hk"
expect_exit 0 "$collector_program" vantage revoke hk-1 --state "$state"
not_connected() { [ "$(connected)" = 0 ]; }
wait_for 20 "the session of hk-1 to be cut" not_connected
ok "revoking cut the session"
wait_for 30 "the agent to be told" grep -qi "revoked" logs/agent.hk-1
equal "sessions" "$(connected)" 0
refused 3 "no vantage|not known|unknown|does not exist" "$collector_program" vantage revoke nobody-1 --state "$state"
