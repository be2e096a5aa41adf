#!/bin/bash
# What third parties named in certificates are asked for: for the sites whose operator wants it, by the agents whose owners let it,
# once an hour for a certificate, and with what came of it in the evidence.
. "$(dirname "$0")/lib.sh"

mkdir -p lab
pki() { "$source_dir/tests/lab/pki.sh" "$work/lab/pki" "$@"; }
port=$(free_port) responder=$(free_port) files=$(free_port)
[ "$responder" != "$port" ] && [ "$files" != "$port" ] && [ "$files" != "$responder" ] || fail "ports came twice"
names_responder=authorityInfoAccess="OCSP;URI:http://127.0.0.1:$responder/"
names_issuer=authorityInfoAccess="caIssuers;URI:http://127.0.0.1:$files"
pki init
pki authority upper --issuer root
pki authority lower --issuer upper --extension "$names_issuer/upper.der"
pki leaf asked --names www.asked.example --extension "$names_responder"
pki leaf unasked --names www.unasked.example --extension "$names_responder"
pki leaf broken --names www.broken.example --issuer lower --extension "$names_issuer/lower.der"
for name in upper lower; do
    openssl x509 -in "lab/pki/$name.pem" -outform DER -out "lab/pki/$name.der"
done
export SSL_CERT_FILE=$work/lab/pki/root.pem
server() { # ADDRESS CERTIFICATE-FILE KEY
    echo "server { listen $1:$port ssl; ssl_certificate $work/lab/pki/$2.pem; ssl_certificate_key $work/lab/pki/$3.key;"
    echo 'location / { return 200 "hello\n"; } }'
}
{
    server 127.0.2.1 asked.chain asked
    server 127.0.2.2 unasked.chain unasked
    server 127.0.2.3 broken broken
    echo "server { listen 127.0.0.1:$files; root $work/lab/pki; access_log $work/logs/files; }"
} | "$lab" nginx "$work/lab" web
start responder openssl ocsp -port "$responder" -index lab/pki/index -CA lab/pki/intermediate.pem -rsigner lab/pki/intermediate.pem \
    -rkey lab/pki/intermediate.key -nmin 60 -ignore_err
wait_for 10 "the responder to listen" grep -q "waiting for" logs/responder

start_collector
add_site() { expect_exit 0 "$collector_program" site add "$1" --plain "www.$1.example:$port@$2" --interval 3s --state "$state" "${@:3}"; }
add_site asked 127.0.2.1 --fetch ocsp
add_site unasked 127.0.2.2
add_site broken 127.0.2.3 --fetch issuer,ocsp
expect_exit 0 "$collector_program" site show broken --state "$state"
expect_output "^fetches: issuer ocsp$"
expect_exit 2 "$collector_program" site add wrong --plain www.wrong.example --fetch crl --state "$state"
expect_error '"crl" \(expected issuer, ocsp, both, or none\)'

# One owner lets it, one forbids it in a word, one does not have the host on the list.
enroll free hk 9304
enroll never cn 4837
enroll narrow us 174
echo "fetch: false" >>agents/never/agent.yaml
sed -i 's|127.0.0.0/8|127.0.2.0/24|' agents/narrow/agent.yaml
for name in free never narrow; do start_agent "$name"; done

# Numbers of proto/words/plan.h
issuer=18 ocsp=22
made() { # VANTAGE SITE SQL: attempts
    sql "SELECT count(*) FROM attempt a JOIN endpoint e ON e.id = a.endpoint_id JOIN site s ON s.id = e.site_id
         JOIN vantage v ON v.id = a.vantage_id WHERE v.name = '$1' AND s.name = '$2' AND $3"
}
wait_for 60 "the responder to be asked" at_least 1 made free asked "a.variant = $ocsp"
wait_for 60 "the issuers to be fetched" at_least 2 made free broken "a.variant = $issuer"
rounds=$(sql "SELECT max(round_id) FROM attempt")
after() { sql "SELECT count(DISTINCT (round_id, vantage_id)) FROM attempt WHERE round_id > $rounds AND variant = 0"; }
wait_for 60 "three rounds after that, at each vantage" at_least 9 after

equal "questions to the responder, in all those rounds" "$(made free asked "a.variant = $ocsp")" 1
equal "what it said (good), in its column" "$(made free asked "a.variant = $ocsp AND a.ocsp = 1 AND a.class = 0")" 1
equal "hops up to the root" "$(made free broken "a.variant = $issuer AND a.http_status = 200")" 2
equal "questions about a site that did not ask for it" "$(made free unasked "a.variant IN ($issuer, $ocsp)")" 0
for site in asked broken; do
    equal "questions by an agent whose owner forbids it, about $site" "$(made never "$site" "a.variant IN ($issuer, $ocsp)")" 0
    equal "connections beyond an allow list, for $site" "$(made narrow "$site" "a.variant IN ($issuer, $ocsp) AND a.connected_us IS NOT NULL")" 0
done
equal "files fetched from the web server" "$(grep -c 'GET /.*\.der' logs/files)" 2

# A fetch tells why, not how: no report counts it.
expect_exit 0 "$collector_program" report certs --since 10m --site broken --format json --state "$state"
equal "leaf certificates of broken" "$(jq '.rows | length' <<<"$out")" 1
expect_exit 1 "$collector_program" report diff --since 10m --format json --state "$state"
why() { jq -r ".findings[] | select(.site == \"$1\") | .why | $2" <<<"$out"; }
equal "cause of broken" "$(why broken .verdict.cause)" cert.missing_intermediate
equal "what is said against asked" "$(why asked .)" ""

# An import that says so switches it off.
printf 'site,target,fetch\nasked,www.asked.example:%s@127.0.2.1,none\n' "$port" >sites.csv
expect_exit 0 "$collector_program" site import sites.csv --state "$state"
expect_output "^sites: 0 added, 1 changed"
expect_exit 0 "$collector_program" site list --format json --state "$state"
equal "fetches of asked" "$(jq -r '.rows[] | select(.site == "asked") | .fetch' <<<"$out")" ""
