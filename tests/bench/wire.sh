#!/bin/bash
# What an attempt costs on the wire between an agent and its collector: a real agent probes healthy servers (nginx, a leaf with its
# intermediate) in rounds, and the kernel counts the bytes of its connection in both directions: TLS, frames, acknowledgements,
# plans and all. Beside it, what the same attempts are in the database, and how many bytes tls-scan writes of one handshake.
# Must hold: at most 120 bytes an attempt.
#   tests/bench/wire.sh [ENDPOINTS [ROUNDS]]       100 endpoints, 6 rounds of 10 s; a release build in PARALLAX_BUILD_DIR
. "$(dirname "$0")/begin.sh"
at_most 2 "$@"
. "$(dirname "$0")/../scenarios/lib.sh"
. "$(dirname "$0")/lib.sh"
endpoints=${1:-100} rounds=${2:-6} limit=120 tls_scan=2025

ec=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30)
openssl req -x509 "${ec[@]}" -subj "/O=Wire/CN=Wire Root" -keyout root.key -out root.pem 2>/dev/null
openssl req "${ec[@]}" -subj "/O=Wire/CN=Wire Intermediate" -keyout ca.key -out ca.csr 2>/dev/null
openssl x509 -req -in ca.csr -CA root.pem -CAkey root.key -days 30 -extfile <(printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid') -out ca.pem 2>/dev/null
port=$(free_port)
{
    echo "daemon off; worker_processes 1; pid $work/nginx.pid; error_log $work/logs/nginx; events { worker_connections 1024; }"
    echo "http { access_log off; client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;"
} >nginx.conf
for n in $(seq "$endpoints"); do
    openssl req "${ec[@]}" -subj "/CN=www.wire$n.example" -keyout "$n.key" -out "$n.csr" 2>/dev/null
    openssl x509 -req -in "$n.csr" -CA ca.pem -CAkey ca.key -days 20 -extfile <(printf 'subjectAltName=DNS:www.wire%s.example,DNS:wire%s.example\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid' "$n" "$n") -out "$n.pem" 2>/dev/null
    cat "$n.pem" ca.pem >"$n.chain"
    echo "server { listen 0.0.0.0:$port ssl; ssl_protocols TLSv1.2 TLSv1.3; server_name www.wire$n.example; ssl_certificate $work/$n.chain; ssl_certificate_key $work/$n.key; return 200 \"ok\"; }"
done >>nginx.conf
echo "}" >>nginx.conf
start nginx nginx -c "$work/nginx.conf" -e "$work/logs/nginx"
wait_for 20 "nginx" listening "$port"

export SSL_CERT_FILE=$work/root.pem
start_collector
for n in $(seq "$endpoints"); do
    expect_exit 0 "$collector_program" site add "wire$n" --plain "www.wire$n.example:$port@127.20.0.$n" --interval 10s --state "$state"
done
enroll hk-1 hk 9304
start_agent hk-1

attempts() { sql "SELECT count(*) FROM attempt"; }
rounds_over() { sql "SELECT count(*) FROM round WHERE closed_at IS NOT NULL"; }
# Bytes of the agent's connection, as its end counts them: out and in
wire_bytes() {
    ss -Htnip "dport = :$collector_port" | tr ' ' '\n' | awk -F: '/^bytes_acked:/ { sum += $2 } /^bytes_received:/ { sum += $2 } END { print sum + 0 }'
}
# The first rounds bring the list, the certificates, and what packs later ones
wait_for 90 "two rounds" at_least 2 rounds_over
before=$(wire_bytes) had=$(attempts)
wait_for $((rounds * 20 + 60)) "$rounds rounds" at_least $((rounds + 2)) rounds_over
bytes=$(($(wire_bytes) - before)) made=$(($(attempts) - had))
[ "$made" -ge $((endpoints * (rounds - 1))) ] || fail "only $made attempts"
equal "of them well" "$(sql 'SELECT count(*) FROM attempt WHERE class <> 0')" 0
evidence=$(sql 'SELECT avg(length(evidence))::integer FROM attempt')
each=$((bytes / made))
say "$made attempts of $endpoints endpoints, $evidence bytes of evidence each"
row "bytes on the wire for each attempt, both directions, TLS included" "$each B" "tls-scan's JSON: $tls_scan B" "$each" "<=" $limit B
finish
