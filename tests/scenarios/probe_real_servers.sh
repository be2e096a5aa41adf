#!/bin/bash
# parallax-agent probe against real servers, good and bad: each gets the outcome class that names its fault.
. "$(dirname "$0")/lib.sh"

pki=$work/lab/pki
name=www.shop.example
mkdir -p lab
certificate() { "$source_dir/tests/lab/pki.sh" "$pki" leaf "$@"; }
"$source_dir/tests/lab/pki.sh" "$pki" init
certificate ec --names $name
certificate rsa --names $name --key rsa
certificate past --names $name --valid past
certificate future --names $name --valid future
certificate self --names $name --self-signed
certificate other --names www.other.example

mapfile -t ports < <("$LAB_SERVER" ports 16)
[ ${#ports[@]} = 16 ] || fail "no free ports"
declare -A port
next=0
take() { port[$1]=${ports[$next]}; next=$((next + 1)); }

nginx_server() { # WHAT CERTIFICATE-FILE KEY [lines...]
    take "$1"
    echo "server { listen 127.0.0.1:${port[$1]} ssl; ssl_certificate $pki/$2; ssl_certificate_key $pki/$3.key;"
    [ $# -lt 4 ] || printf '%s\n' "${@:4}"
    echo 'location / { default_type text/plain; return 200 "hello\n"; } location = /bad { return 502; } }'
}
{
    nginx_server ec_both ec.chain.pem ec "ssl_protocols TLSv1.2 TLSv1.3;"
    nginx_server ec_12 ec.chain.pem ec "ssl_protocols TLSv1.2;"
    nginx_server ec_13 ec.chain.pem ec "ssl_protocols TLSv1.3;"
    nginx_server rsa_12 rsa.chain.pem rsa "ssl_protocols TLSv1.2;"
    nginx_server rsa_13 rsa.chain.pem rsa "ssl_protocols TLSv1.3;"
    nginx_server past past.chain.pem past
    nginx_server future future.chain.pem future
    nginx_server self self.chain.pem self
    nginx_server other other.chain.pem other
    nginx_server leaf_only ec.pem ec
    take rejecting
    echo "server { listen 127.0.0.1:${port[rejecting]} ssl; ssl_reject_handshake on; }"
    take plain_http
    echo "server { listen 127.0.0.1:${port[plain_http]}; }"
} >servers.conf
"$lab" nginx "$work/lab" web <servers.conf

take s_server
start s_server openssl s_server -accept "127.0.0.1:${port[s_server]}" -cert "$pki/ec.pem" -cert_chain "$pki/intermediate.pem" \
    -key "$pki/ec.key" -www
wait_for 10 "openssl s_server to listen" listening "${port[s_server]}"

start lab_server "$LAB_SERVER" silent --listen 127.0.0.1:0 close --listen 127.0.0.1:0 http --listen 127.0.0.1:0 \
    reset-hello --listen 127.0.0.1:0 --from 127.0.0.0/8
wait_for 10 "lab-server to listen" grep -q reset-hello "$work/logs/lab_server"
while read -r kind address; do port[$kind]=${address##*:}; done <"$work/logs/lab_server"
take refused # nobody listens there

# probe WHAT [options...]: in JSON
probe() {
    local what=$1
    shift
    run "$agent_program" probe "$name:${port[$what]}" --address 127.0.0.1 --ca-file "$pki/root.pem" --format json --timeout 3s "$@"
}
field() { jq -r "$1" <<<"$out"; }
class() { field ".cases[0].attempts[0].outcome.class"; }

# gives WHAT CLASS CODE [options...]
gives() {
    local what=$1 wanted=$2 code=$3
    shift 3
    probe "$what" "$@"
    [ "$(class)" = "$wanted" ] || { show_run; fail "$what: got $(class), wanted $wanted"; }
    [ "$status" = "$code" ] || { show_run; fail "$what: exit code $status, wanted $code"; }
    ok "$what${*:+ $*}: $wanted, exit $code"
}

for what in ec_both ec_12 ec_13 rsa_12 rsa_13 s_server; do gives $what ok 0; done
gives ec_both ok 0 --tls1.2
gives ec_both ok 0 --tls1.3
gives ec_12 tls.alert 1 --tls1.3
gives past cert.expired 1
gives future cert.not_yet_valid 1
gives self cert.self_signed 1
gives other cert.name 1
gives other ok 0 --sni www.other.example
gives leaf_only cert.no_issuer 1
gives rejecting tls.alert 1
gives plain_http tls.not_tls 1
gives http tls.not_tls 1
gives refused tcp.refused 1
gives silent hello.silent 1
gives close hello.closed 1
gives reset-hello hello.reset 1

# The chain a person would have asked openssl for is in the text.
expect_exit 0 "$agent_program" probe "$name:${port[ec_13]}" --address 127.0.0.1 --ca-file "$pki/root.pem"
for wanted in TLSv1.3 "CN ?= ?$name" "Parallax Lab Intermediate" "200"; do expect_output "$wanted"; done
ok "text names version, subject, issuer and status"

# A list: one line each, and a summary; every attempt and every verdict in ndjson on its own line.
printf '%s\n' "127.0.0.1:${port[refused]}" "127.0.0.1:${port[silent]}" "127.0.0.1:${port[reset-hello]}" >list
expect_exit 1 "$agent_program" probe -f list --format ndjson --timeout 2s -j 3 --ladder never
equal "lines of ndjson" "$(jq -s length <<<"$out")" 6
equal "verdicts" "$(jq -s 'map(select(.kind == "verdict")) | length' <<<"$out")" 3
equal "classes of a list" "$(jq -r 'select(.kind != "verdict") | .outcome.class' <<<"$out" | sort | tr '\n' ' ')" "hello.reset hello.silent tcp.refused "
