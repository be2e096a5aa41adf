#!/bin/bash
# What an attempt costs on the wire between an agent and its collector: a real agent probes healthy servers (nginx, a leaf with its
# intermediate) in rounds of 10 s, and the kernel counts the bytes of its connection, each way: TLS, frames, acknowledgements,
# plans, pings and all. A round is one measurement. Beside it: how many bytes of evidence an attempt has in the database, and how many tls-scan
# writes of one handshake.
# Must hold: at most 120 bytes an attempt, both ways together.
#   tests/bench/wire.sh [ENDPOINTS [ROUNDS]]       100 endpoints, 5 rounds; a release build in PARALLAX_BUILD_DIR
. "$(dirname "$0")/begin.sh"
at_most 2 "$@"
. "$(dirname "$0")/../scenarios/lib.sh"
. "$(dirname "$0")/lib.sh"
endpoints=${1:-100} rounds=${2:-5} limit=120 tls_scan=2025
[ "$endpoints" -le 250 ] || give_up "$endpoints endpoints: there are addresses for 250"

# --- healthy servers: one for each endpoint, that differ in name and key ------------------------------------------------------------
ec=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30)
ids='subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid'
openssl req -x509 "${ec[@]}" -subj "/O=Wire/CN=Wire Root" -keyout root.key -out root.pem 2>/dev/null
openssl req "${ec[@]}" -subj "/O=Wire/CN=Wire Intermediate" -keyout ca.key -out ca.csr 2>/dev/null
openssl x509 -req -in ca.csr -CA root.pem -CAkey root.key -days 30 -extfile <(printf "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n$ids") -out ca.pem 2>/dev/null
servers=()
for n in $(seq "$endpoints"); do
    openssl req "${ec[@]}" -subj "/CN=www.wire$n.example" -keyout "$n.key" -out "$n.csr" 2>/dev/null
    openssl x509 -req -in "$n.csr" -CA ca.pem -CAkey ca.key -days 20 -extfile <(printf "subjectAltName=DNS:www.wire$n.example,DNS:wire$n.example\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n$ids") -out "$n.pem" 2>/dev/null
    cat "$n.pem" ca.pem >"$n.chain"
    servers+=("server { listen 127.20.0.$n:PORT ssl; server_name www.wire$n.example; ssl_certificate $work/$n.chain; ssl_certificate_key $work/$n.key; return 200 \"ok\"; }")
done

# Each address is ours alone, so that nobody else can answer there: nginx ends when it does not get one.
serve() {
    port=$(free_port)
    {
        echo "daemon off; worker_processes 1; pid $work/nginx.pid; error_log $work/logs/nginx; events { worker_connections 1024; }"
        echo "http { access_log off; ssl_protocols TLSv1.2 TLSv1.3;"
        printf '%s_temp_path %s;\n' client_body "$work/t1" proxy "$work/t2" fastcgi "$work/t3" uwsgi "$work/t4" scgi "$work/t5"
        printf '%s\n' "${servers[@]//PORT/$port}" "}"
    } >nginx.conf
    start nginx nginx -c "$work/nginx.conf" -e "$work/logs/nginx"
    nginx_pid=$started
}
serving_or_dead() { [ -s "$work/nginx.pid" ] && listening "$port" "127.20.0.$endpoints" || gone "$nginx_pid"; }
for try in 1 2 3; do
    serve
    wait_for 20 "nginx" serving_or_dead
    ! gone "$nginx_pid" || continue
    break
done
! gone "$nginx_pid" || give_up "nginx does not start: $(tail -n 1 "$work/logs/nginx")"

# --- rounds ------------------------------------------------------------------------------------------------------------------------
export SSL_CERT_FILE=$work/root.pem
start_collector
for n in $(seq "$endpoints"); do
    expect_exit 0 "$collector_program" site add "wire$n" --plain "www.wire$n.example:$port@127.20.0.$n" --interval 10s --state "$state"
done
enroll hk-1 hk 9304
start_agent hk-1

rounds_over() { sql "SELECT count(*) FROM round WHERE closed_at IS NOT NULL"; }
# The agent's end of its connection: its port, and how many bytes went out and came in
wire() {
    ss -Htni "dport = :$collector_port" | awk '
        /^ESTAB/ { split($4, local, ":"); port = local[2] }
        { for (i = 1; i <= NF; i++) { split($i, pair, ":"); if (pair[1] == "bytes_acked" || pair[1] == "bytes_received") bytes[pair[1]] += pair[2] } }
        END { print port, bytes["bytes_acked"] + 0, bytes["bytes_received"] + 0 }'
}

# What was not well, and what it was, is the first thing to know when a figure is not that of healthy attempts.
all_well() {
    local others
    others=$(sql "SELECT string_agg(n || ' of class ' || class || ', raw ' || raw, '; ') FROM
        (SELECT class, raw, count(*) AS n FROM attempt WHERE class <> 0 GROUP BY class, raw) AS other")
    ! gone "$nginx_pid" || give_up "nginx has ended: $(tail -n 1 "$work/logs/nginx")"
    [ -z "$others" ] || give_up "attempts at healthy servers failed: $others ($(sql 'SELECT count(*) FROM attempt WHERE class = 0') were well)"
}

# The first rounds bring the list, the certificates, and what later attempts are told by.
wait_for 90 "two rounds" at_least 2 rounds_over
seen=$(rounds_over)
read -r local_port out in <<<"$(wire)"
had=$(sql "SELECT count(*) FROM attempt")
while [ "$(wc -l 2>/dev/null <"$work/both" || echo 0)" -lt "$rounds" ]; do
    seen=$((seen + 1))
    wait_for 30 "round $seen" at_least "$seen" rounds_over
    read -r port_now out_now in_now <<<"$(wire)"
    have=$(sql "SELECT count(*) FROM attempt")
    all_well
    [ "$port_now" = "$local_port" ] || give_up "the agent's connection was not the same all the time"
    made=$((have - had))
    [ "$made" -gt 0 ] || continue # two rounds were over at once
    awk -v b=$((out_now - out)) -v n=$made 'BEGIN { printf "%.1f\n", b / n }' >>"$work/out_each"
    awk -v b=$((in_now - in)) -v n=$made 'BEGIN { printf "%.1f\n", b / n }' >>"$work/in_each"
    awk -v b=$((out_now - out + in_now - in)) -v n=$made 'BEGIN { printf "%.1f\n", b / n }' >>"$work/both"
    out=$out_now in=$in_now had=$have
done
[ "$had" -ge $((endpoints * rounds)) ] || give_up "only $had attempts of $endpoints endpoints in $((rounds + 2)) rounds"

say "$had attempts, all well, of $(sql 'SELECT avg(length(evidence))::integer FROM attempt') bytes of evidence each; on the wire $(spread %.1f <"$work/out_each") bytes each to the collector, $(spread %.1f <"$work/in_each") from it"
row "bytes on the wire per attempt, healthy, all evidence, both ways" "$(spread %.1f <"$work/both") B" \
    "tls-scan's JSON: $tls_scan B ($(awk -v a=$tls_scan -v b="$(median <"$work/both")" 'BEGIN { printf "%.0f", a / b }') times as many)" \
    "$(median <"$work/both")" "<=" $limit B
finish
