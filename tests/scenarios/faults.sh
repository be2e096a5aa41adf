#!/bin/bash
# Six faults at once, seen by nine vantages, and each gets an incident of its own with the right place:
#   shop   an edge that refuses one ASN                          AS4837
#   wiki   a name that is reset on the way from one region       cn
#   api    an origin whose certificate expired, behind an edge that checks it and says 526
#   blog   an old address that some resolvers still give         127.0.4.2, where nothing listens
#   docs   a region where somebody else's certificate is shown   cn
#   eu-1   a vantage that trusts no CA: set aside, and nobody is blamed for it
# SHOW=1 prints what `report incidents` and `report explain` say, in both languages.
. "$(dirname "$0")/lib.sh"

# --- servers ------------------------------------------------------------------------------------------------------------------------

pki=$work/pki
"$source_dir/tests/lab/pki.sh" "$pki" init
for name in shop wiki api blog docs good-1 good-2 good-3; do
    "$source_dir/tests/lab/pki.sh" "$pki" leaf $name --names "www.$name.example"
done
"$source_dir/tests/lab/pki.sh" "$pki" leaf api-origin --names www.api.example --valid past
"$source_dir/tests/lab/pki.sh" "$pki" authority proxy
"$source_dir/tests/lab/pki.sh" "$pki" leaf docs-proxy --names www.docs.example --issuer proxy
export SSL_CERT_FILE=$pki/root.pem

port=$(free_port)
at() { echo "127.0.4.$1:$port"; }
server() { # HOST-NUMBER CERTIFICATE [lines...]
    echo "server { listen $(at "$1") ssl; ssl_certificate $pki/$2.chain.pem; ssl_certificate_key $pki/$2.key;"
    printf '%s\n' "${@:3}" "}"
}
hello='location / { default_type text/plain; return 200 "hello\n"; }'
{
    server 11 shop "$hello"
    server 12 wiki "$hello"
    server 13 api "location / { proxy_pass https://$(at 23); proxy_ssl_server_name on; proxy_ssl_name www.api.example; proxy_ssl_verify on;
        proxy_ssl_trusted_certificate $pki/root.pem; proxy_set_header Host \$host; proxy_ssl_session_reuse off; }" \
        "error_page 502 =526 @refused; location @refused { add_header CF-RAY 8f00000000000000-HKG always; return 526; }"
    server 23 api-origin "$hello"
    server 1 blog "$hello"
    server 15 docs "$hello"
    server 25 docs-proxy "$hello"
    for number in 1 2 3; do server 3$number good-$number "$hello"; done
} | "$lab" nginx "$work/lab" faults

# Who is where: NAME REGION ASN SOURCE
vantages="hk-1 hk 9304 127.0.2.1
hk-2 hk 4760 127.0.2.2
cn-1 cn 4134 127.0.2.11
cn-2 cn 4134 127.0.2.12
cn-3 cn 4837 127.0.2.13
cn-4 cn 4837 127.0.2.14
us-1 overseas 14061 127.0.2.21
us-2 overseas 20473 127.0.2.22
eu-1 overseas 24940 127.0.2.23"
cn=127.0.2.8/29

start meddler "$LAB_SERVER" \
    reset-hello --listen "$(at 41)" --from 127.0.2.13/32 --from 127.0.2.14/32 --to "$(at 11)" \
    reset-hello --listen "$(at 42)" --from $cn --name www.wiki.example --to "$(at 12)" \
    reset-hello --listen "$(at 45)" --from $cn --divert "$(at 25)" --to "$(at 15)"
wait_for 10 "the meddler" grep -q 127.0.4.45 "$work/logs/meddler"

dns_port=$(free_port)
start dns.new "$build_dir/lab/lab-dns" good "127.0.4.61:$dns_port" 127.0.4.1
start dns.old "$build_dir/lab/lab-dns" good "127.0.4.62:$dns_port" 127.0.4.2

# --- the fleet ------------------------------------------------------------------------------------------------------------------------

start_collector
# A retry each round leaves an agent's rate room for its ladder.
site() { expect_exit 0 "$collector_program" site add "$@" --interval 3s --state "$state"; }
site shop --edge "www.shop.example:$port@127.0.4.41" --origin "$(at 11)"
site wiki --plain "www.wiki.example:$port@127.0.4.42"
site api --edge "www.api.example:$port@127.0.4.13" --origin "$(at 23)"
site blog --plain "www.blog.example:$port"
site docs --plain "www.docs.example:$port@127.0.4.45"
for number in 1 2 3; do site good-$number --sentinel --plain "www.good-$number.example:$port@127.0.4.3$number"; done

while read -r name region asn source; do
    resolver=127.0.4.61
    case $name in hk-2 | us-2) resolver=127.0.4.62 ;; esac
    extra=()
    [ $name != eu-1 ] || extra=(--ca-file "$pki/proxy.pem")
    enroll "$name" "$region" "$asn" --allow www.blog.example --source "$source" --resolver "$resolver:$dns_port" ${extra[@]+"${extra[@]}"}
    start_agent "$name"
done <<<"$vantages"
wait_for 60 "nine agents to connect" at_least 9 connected


# --- what is said ---------------------------------------------------------------------------------------------------------------------

# Open incidents that a jq condition holds for
found() {
    { "$collector_program" report incidents --state "$state" --format json 2>/dev/null || true; } |
        jq "[.rows[] | select(.state != \"closed\") | select($1)] | length"
}
of_site() { echo ".kind == \"fails\" and any(.endpoints[]; .site == \"$1\")"; }

wait_for 240 "an incident about AS4837" at_least 1 found "$(of_site shop) and .place.kind == \"asn\" and .place.asn == 4837"
ok "shop: the ASN, not a vantage and not the region"
wait_for 240 "an incident about region cn" at_least 1 found "$(of_site wiki) and .place.kind == \"region\" and .place.region == \"cn\""
ok "wiki: the region"
wait_for 60 "the name as its cause" at_least 1 found "$(of_site wiki) and (.cause | startswith(\"hello.name_\"))"
ok "wiki: it is the name that is reset"
wait_for 240 "an incident about the origin" at_least 1 found "$(of_site api) and .outcome.class == \"cert.expired\""
ok "api: the origin's certificate has expired"
wait_for 240 "an incident about the old address" at_least 1 found "$(of_site blog) and (.place.kind | . == \"dns-answer\" or . == \"edge\") and .place.address == \"127.0.4.2\""
ok "blog: the address that some resolvers give"
wait_for 240 "an incident about docs" at_least 1 found "$(of_site docs) and .place.kind == \"region\" and .place.region == \"cn\""
ok "docs: the region"
wait_for 240 "eu-1 to be set aside" at_least 1 found ".kind == \"set-aside\" and .place.vantage == \"eu-1\""
ok "eu-1: set aside"

equal "incidents that blame a sentinel" "$(found 'any(.endpoints[]; .site | startswith("good")) and .kind == "fails"')" 0
equal "incidents that blame eu-1's targets" "$(found '.kind == "fails" and .place.vantage == "eu-1"')" 0
equal "incidents beside them: differences that a failure explains" "$(found '.kind == "differs" and any(.endpoints[]; .site == "docs")')" 0
equal "failing incidents, one for each fault" "$(found '.kind == "fails"')" 5

for id in $({ "$collector_program" report incidents --state "$state" --format json || true; } | jq -r '.rows[] | select(.state != "closed") | .id'); do
    for language in en zh; do
        run "$collector_program" report explain "$id" --lang $language --state "$state"
        [ "$status" = 1 ] && [ -n "$out" ] || { show_run; fail "explain $id"; }
        [ -z "${SHOW:-}" ] || printf '%s\n\n' "$out"
    done
done
ok "each is explained, in both languages"
