#!/bin/bash
# A collector that was taken over can make an agent probe what its owner allowed, as often as its owner allowed, and nothing else:
# its database names whatever it likes, and listeners that count say what arrived. Then the owner changes his mind.
. "$(dirname "$0")/lib.sh"

port=$(free_port) closed=$(free_port) dns_port=$(free_port)
[ "$port" != "$closed" ] || fail "ports came twice"
ipv6=()
[ ! -e /proc/net/if_inet6 ] || ! grep -q ' lo$' /proc/net/if_inet6 || ipv6=(::1 "$port" hold)
start canary perl "$source_dir/tests/lab/canary.pl" "$work/heard" 127.0.9.1 "$port" hold 127.0.9.1 "$closed" hold \
    127.0.9.2 "$port" hold 127.0.9.3 "$port" close 127.0.9.66 "$port" hold ${ipv6[@]+"${ipv6[@]}"}
wait_for 10 "the canary" grep -q listening logs/canary
heard() { awk -v at="$1" -v port="${2:-$port}" '$1 == at && $2 == port { n++ } END { print n + 0 }' "$work/heard"; }
start dns "$build_dir/lab/lab-dns" good "127.0.9.53:$dns_port" 127.0.9.66

start_collector
token=$(new_token hk-1 hk 9304)
refused 2 '^parallax-agent: --allow is missing' "$agent_program" enroll --collector 127.0.0.1:1 --token "$token" --deny any
refused 2 '^parallax-agent: --deny: "10.0.0.0/40": expected' "$agent_program" enroll --collector 127.0.0.1:1 --token "$token" --deny 10.0.0.0/40
refused 2 '^parallax-agent: --port: "443-": expected' "$agent_program" enroll --collector 127.0.0.1:1 --token "$token" --port 443-
# Every name, every public address, and two of loopback: the widest list that is not the machine itself.
expect_exit 0 "$agent_program" enroll --state agents/hk-1 --collector "127.0.0.1:$collector_port" --token "$token" --allow any \
    --allow 127.0.9.1 --allow 127.0.9.3 --deny '*.denied.example' --port "80,$port" --resolver "127.0.9.53:$dns_port"
yaml=agents/hk-1/agent.yaml
printf 'address_concurrency: 3\nrate: 20\n' >>$yaml
# A sanitizer's store of freed memory is not the agent's.
start_agent hk-1 env ASAN_OPTIONS=quarantine_size_mb=8
wait_for 30 "the agent to connect" at_least 1 connected

# --- what the database asks for ---------------------------------------------------------------------------------------------------

sql "INSERT INTO site (name, interval_s) VALUES ('hostile', 1)" >/dev/null
ask() { # HOST PORT [ADDRESS]
    local address=NULL
    [ -z "${3:-}" ] || address="'$3'"
    sql "INSERT INTO endpoint (site_id, host, port, address) SELECT id, '$1', $2, $address FROM site WHERE name = 'hostile'" >/dev/null
}
ask 127.0.9.1 "$port"
ask 127.0.9.1 "$closed"
ask 127.0.9.2 "$port"
ask www.shop.example "$port" 127.0.9.2
ask www.shop.example "$port" 10.0.0.1
ask www.shop.example "$port" ::ffff:127.0.9.2
ask 64:ff9b::7f00:902 "$port"
ask ::ffff:127.0.9.1 "$port"
ask ::1 "$port"
ask 169.254.169.254 80
ask www.shop.example 80 fd00:ec2::254
ask www.rebound.example "$port"
ask www.denied.example "$port"
ask www.denied.example "$port" 127.0.9.1
rounds() { sql "SELECT count(DISTINCT round_id) FROM attempt"; }
wait_for 60 "four rounds" at_least 4 rounds

rows() { sql "SELECT count(*) FROM attempt a JOIN endpoint e ON e.id = a.endpoint_id WHERE $1"; }
hostile="NOT (e.host = '127.0.9.1' AND e.port = $port)"
local_policy=10
equal "attempts on what is not allowed that were made" "$(rows "$hostile AND (a.class <> $local_policy OR a.connect_us IS NOT NULL)")" 0
equal "endpoints that are not allowed and have no refusal" \
    "$(sql "SELECT count(*) FROM endpoint e WHERE $hostile AND NOT EXISTS (SELECT FROM attempt a WHERE a.endpoint_id = e.id AND a.class = $local_policy)")" 0
equal "a denied name that was resolved" "$(rows "e.host = 'www.denied.example' AND a.resolved_us IS NOT NULL")" 0
at_least 4 rows "e.host = 'www.rebound.example' AND a.resolved_us IS NOT NULL" || fail "www.rebound.example was not resolved"
at_least 1 heard 127.0.9.1 || fail "what is allowed was not probed"
silent() {
    equal "connections to a port that is not allowed" "$(heard 127.0.9.1 "$closed")" 0
    equal "connections to loopback that is not allowed" "$(heard 127.0.9.2)" 0
    equal "connections to where a name leads" "$(heard 127.0.9.66)" 0
    equal "connections to ::1" "$(heard ::1)" 0
}
silent
wait_for 60 "a round report that counts what was refused" at_least 1 sql "SELECT count(*) FROM round_vantage WHERE refused >= 12"
"$collector_program" export --state "$state" >attempts.ndjson
why() { grep -cF -- "$1" attempts.ndjson || true; }
for rule in "deny: the owner's list has *.denied.example" "ports: the owner's list does not have port $closed" \
    "127.0.9.2 is a loopback address" "10.0.0.1 is a private address" "169.254.169.254 is a metadata address" \
    "127.0.9.66 is a loopback address" "fd00:ec2::254 is a metadata address"; do
    at_least 1 why "$rule" || fail "no attempt says: $rule"
    ok "said: $rule"
done

expect_exit 0 "$collector_program" report vantages --format json --state "$state"
told=$(jq '.rows[] | select(.vantage == "hk-1") | .refused' <<<"$out")
[ "$told" -ge 48 ] || fail "report vantages tells of $told refusals"
ok "report vantages: refused $told"

# --- rates, concurrency and memory --------------------------------------------------------------------------------------------------

# Ten thousand endpoints a second, at an address that drops each connection, one that never answers and one that is not allowed;
# and rounds for people without end.
first=$(heard 127.0.9.3) began=$(date +%s%3N)
sql "INSERT INTO endpoint (site_id, host, port, address, sni) SELECT s.id, 'n' || n || '.flood.example', $port,
         ('127.0.9.' || n % 3 + 1)::inet, '' FROM site s, generate_series(1, 10000) AS n WHERE s.name = 'hostile'" >/dev/null
for _ in {1..12}; do
    sql "INSERT INTO round_request (endpoint_ids) SELECT array_agg(id) FROM endpoint WHERE host LIKE '%.flood.example'; NOTIFY parallax_request" >/dev/null
    sleep 0.5
done
at_least 10 heard 127.0.9.3 || fail "the flood was not tried at all"
took_ms=$(($(date +%s%3N) - began)) came=$(($(heard 127.0.9.3) - first))
[ "$came" -le $((took_ms / 1000 + 33)) ] || fail "$came connections to one address in $took_ms ms"
ok "connections to one address in $took_ms ms: $came"
most=$(awk '$4 > most { most = $4 } END { print most + 0 }' heard)
[ "$most" -le 3 ] || fail "$most connections to one address at once"
ok "connections to one address at once, at most: $most"
awk '{ n[int($3)]++ } END { for (s in n) if (n[s] > most) most = n[s]; exit (most > 41) }' heard || fail "more than the overall rate"
rss_kib=$(awk '/^VmRSS/ { print $2 }' "/proc/$agent_pid/status")
[ "$rss_kib" -lt $((384 * 1024)) ] || fail "the agent takes $rss_kib KiB"
ok "memory of the agent: $((rss_kib / 1024)) MiB"
silent

# --- the owner changes his mind -------------------------------------------------------------------------------------------------------

sql "UPDATE endpoint SET removed_at = now() WHERE host LIKE '%.flood.example'" >/dev/null
in_force() { grep -c 'agent.yaml is in force' logs/agent.hk-1 || true; }
stays() { grep -c "agent.yaml is not in force, and what was stays: .*agent.yaml:[0-9]*: .*did you mean \"deny\"" logs/agent.hk-1 || true; }
cp $yaml good.yaml
printf 'denny: [127.0.9.1]\n' >>$yaml
kill -HUP "$agent_pid"
wait_for 10 "the agent to say that the file is bad" at_least 1 stays
ok "$(grep -m1 'what was stays' logs/agent.hk-1)"
before=$(heard 127.0.9.1)
wait_for 90 "a connection all the same" at_least $((before + 1)) heard 127.0.9.1

sed 's|^deny:$|deny:\n  - "127.0.9.0/24"|' good.yaml >$yaml
echo 'spool_mib: 300' >>$yaml
kill -HUP "$agent_pid"
wait_for 10 "the new policy" at_least 1 in_force
sleep 0.2
after=$(wc -l <heard) last=$(sql "SELECT max(id) FROM round")
ok "$(grep -m1 'only a restart' logs/agent.hk-1)"
refused_since() { sql "SELECT count(DISTINCT a.round_id) FROM attempt a JOIN endpoint e ON e.id = a.endpoint_id
    WHERE a.round_id > $last AND e.host = '127.0.9.1' AND a.class = $local_policy"; }
wait_for 60 "three rounds that refuse it" at_least 3 refused_since
equal "connections after the line" "$(($(wc -l <heard) - after))" 0
