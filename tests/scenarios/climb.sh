#!/bin/bash
# A resident agent looks into what fails: the ladder's attempts are stored in their order, once for a failure that lasts, and
# the reports name the cause that they conclude. What is well gets no attempt more than it is planned.
. "$(dirname "$0")/lib.sh"

mkdir -p lab
pki() { "$source_dir/tests/lab/pki.sh" "$work/lab/pki" "$@"; }
pki init
pki leaf blog --names www.blog.example
pki leaf shop --names www.shop.example
export SSL_CERT_FILE=$work/lab/pki/root.pem
port=$(free_port)
blog=127.0.2.1 shop=127.0.2.2 behind=127.0.2.3 wiki=127.0.2.4
server() { # ADDRESS CERTIFICATE
    echo "server { listen $1:$port ssl; ssl_certificate $work/lab/pki/$2.chain.pem; ssl_certificate_key $work/lab/pki/$2.key;"
    echo 'location / { return 200 "hello\n"; } }'
}
{
    server $blog blog
    server $behind shop
    server $wiki shop # not its name: what it gives to every name
} | "$lab" nginx "$work/lab" web
start resetting "$LAB_SERVER" reset-hello --listen $shop:"$port" --from 127.0.0.0/8 --name www.shop.example --to $behind:"$port"

start_collector
add_site() { expect_exit 0 "$collector_program" site add "$1" --plain "www.$1.example:$port@$2" --interval 3s --state "$state"; }
add_site blog $blog
add_site shop $shop
add_site wiki $wiki
enroll hk-1 hk 9304 --source 127.0.0.11
enroll cn-1 cn 4837 --source 127.0.0.12
start_agent hk-1
hk_pid=$agent_pid
start_agent cn-1

# Numbers of proto/words/plan.h
normal=0 retry=1 control_sni=2 no_sni=3
made() { # SITE SQL: attempts on it
    sql "SELECT count(*) FROM attempt a JOIN endpoint e ON e.id = a.endpoint_id JOIN site s ON s.id = e.site_id
         WHERE s.name = '$1' AND $2"
}
ladders() { # SITE: the variants of the rounds in which there is more than the retry, in the order they were kept
    sql "SELECT string_agg(variants, ' ' ORDER BY vantage) FROM
             (SELECT v.name AS vantage, string_agg(a.variant::text, ',' ORDER BY a.sequence) AS variants
              FROM attempt a JOIN endpoint e ON e.id = a.endpoint_id JOIN site s ON s.id = e.site_id
              JOIN vantage v ON v.id = a.vantage_id
              WHERE s.name = '$1' GROUP BY v.name, a.round_id HAVING bool_or(a.variant > $retry)) AS l"
}
for site in shop wiki; do
    wait_for 180 "both vantages to look into $site" at_least 2 made $site "a.variant = $no_sni"
done
rounds=$(sql "SELECT max(round_id) FROM attempt")
after() { sql "SELECT count(DISTINCT round_id) FROM attempt WHERE round_id > $rounds AND variant = $normal"; }
wait_for 180 "three rounds after that" at_least 3 after

whole=$normal,$retry,$control_sni,$no_sni
equal "ladders on the default certificate" "$(ladders wiki)" "$whole $whole"
[[ "$(ladders shop) " =~ ^($whole(,[0-9,]+)?\ ){2}$ ]] || fail "ladders on the name that is reset: $(ladders shop)"
ok "ladders on the name that is reset: $(ladders shop)"
equal "attempts with that name before the 180 s of rest are over" "$(made shop "a.variant > $no_sni AND a.start_at <
    (SELECT max(c.start_at) FROM attempt c WHERE c.round_id = a.round_id AND c.vantage_id = a.vantage_id AND c.endpoint_id = a.endpoint_id
     AND c.variant = $no_sni) + interval '180 s'")" 0
equal "controls that were answered, to the neutral name" \
    "$(made shop "a.variant = $control_sni AND a.tls_version > 0 AND position(convert_to('example.com', 'UTF8') IN a.evidence) > 0")" 2
equal "attempts on what is well beyond the plan's" "$(made blog "a.variant <> $normal")" 0
equal "attempts of a ladder that do not say of which round" "$(made shop 'a.round_id IS NULL')" 0

# Reports say why.
expect_exit 1 "$collector_program" report diff --since 10m --state "$state"
say "$out"
expect_output "^    consistent with ClientHello: server resets\. "
expect_output "^    do: WAF, "
expect_output "^    confirmed: certificate: default certificate\. .*www\.wiki\.example"
expect_output "^    do: add the virtual host"
expect_exit 1 "$collector_program" report diff --since 10m --format json --state "$state"
why() { jq -r ".findings[] | select(.site == \"$1\") | .why | $2" <<<"$out"; }
equal "cause of shop" "$(why shop .verdict.cause)" hello.server_reset
equal "ruled out by the neutral name" "$(why shop '.verdict.ruled_out[] | select(.by == "control-sni") | .cause')" hello.address_blocked
equal "what it is concluded from" "$(why shop '[.verdict.variants[].variant] | join(" ")')" "normal retry control-sni no-sni"
equal "vantages that agree" "$(why shop '"\(.agreeing) of \(.concluded)"')" "2 of 2"
equal "cause of wiki" "$(why wiki .verdict.cause)" cert.default
equal "what is said against blog" "$(why blog .)" ""
expect_exit 1 "$collector_program" report diff --since 10m --format csv --state "$state"
expect_output ",hello.server_reset,consistent"

# Attempts of the ladder tell why, not how: they are in no count of a report.
expect_exit 0 "$collector_program" report certs --since 10m --site shop --format json --state "$state"
equal "certificates of shop that only a control has seen" "$(jq '.rows | length' <<<"$out")" 0

# Somebody who asks is told as much in that very round.
expect_exit 1 "$collector_program" probe wiki --format json --state "$state"
equal "cause in a round that was asked for" "$(why wiki .verdict.cause)" cert.default
equal "that round's own attempts" "$(why wiki .round_id) $(why wiki '[.verdict.variants[].variant] | join(" ")')" \
    "$(jq .round_id <<<"$out") normal retry control-sni no-sni"

# An agent that rests between two steps of a ladder ends at once.
kill -TERM "$hk_pid"
wait_for 60 "the resting agent to end" gone "$hk_pid"
wait "$hk_pid" || fail "the agent did not end well"
ok "an agent that was climbing ends"
