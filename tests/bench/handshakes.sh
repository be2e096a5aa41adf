#!/bin/bash
# Verified full handshakes with complete evidence for each second of client CPU: our probe engine against Go's crypto/tls (its
# Debian package, a verifying loop) and `openssl s_time -new`, with one nginx, TLS 1.3, X25519, leaf + intermediate + root; with a
# chain that was seen before, and with a new leaf in each handshake below an intermediate that was seen before.
# Must hold, in handshakes a second: 2.0 times Go and (EC) 4.5 times s_time, and 1.2 times Go when every leaf is new.
#   tests/bench/handshakes.sh [ROUNDS [COUNT]]        7 rounds of 1,000
. "$(dirname "$0")/begin.sh"
at_most 2 "$@"
. "$(dirname "$0")/lib.sh"
rounds=${1:-7} count=${2:-1000}
warm_up=50 # of bench-handshake and of the peer: names of their own in the rows with new leaves

need go
need openssl
need_built bench/bench-handshake
bench=$build_dir/bench/bench-handshake
peer=$scratch/peer
(cd "$source_dir/tests/bench/peer" && HOME=$scratch TMPDIR=$scratch GO111MODULE=off go build -o "$peer" .) || give_up "go build failed"

# --- the server ---------------------------------------------------------------------------------------------------------------

declare -A port_of
for kind in ec rsa; do
    pki=$scratch/$kind
    "$source_dir/tests/lab/pki.sh" "$pki" init --key $kind
    "$source_dir/tests/lab/pki.sh" "$pki" leaf www.shop.example --key $kind
    "$peer" leaves "$pki" intermediate $((count + warm_up)) '*.leaf.example' $kind
    exchange='ssl_protocols TLSv1.3; ssl_ecdh_curve X25519:prime256v1;'
    start_nginx $kind "$exchange ssl_certificate $pki/www.shop.example.chain.pem; ssl_certificate_key $pki/www.shop.example.key;"
    port_of[$kind]=$port
    start_nginx $kind.leaves "$exchange server_name ~.;
        ssl_certificate $pki/\$ssl_server_name.chain.pem; ssl_certificate_key $pki/\$ssl_server_name.key;"
    port_of[$kind.leaves]=$port
done

# --- the clients: each adds its handshakes a CPU second to $scratch/FILE --------------------------------------------------------

note() { awk -v n="$2" -v us="$3" 'BEGIN { printf "%.1f\n", n * 1e6 / us }' >>"$scratch/$1"; } # FILE COUNT CPU_US

measured() { # FILE COMMAND...: a program that prints count, CPU time and peak memory
    local file=$1 made took peak
    shift
    read -r made took peak < <("$@") || give_up "failed: $*"
    note "$file" "$made" "$took"
    echo "$peak" >>"$scratch/$file.kib"
}

s_time() { # FILE PORT CA
    local made
    spent openssl s_time -connect "127.0.0.1:$2" -new -time 2 -tls1_3 -verify 3 -CAfile "$3" || give_up "openssl s_time failed"
    made=$(sed -n 's/^\([0-9]*\) connections in .* real seconds.*/\1/p' "$scratch/spent.out")
    [ "${made:-0}" -gt 0 ] || give_up "openssl s_time made no connection"
    note "$1" "$made" "$spent_us"
}

for round in $(seq "$rounds"); do
    for kind in ec rsa; do
        ca=$scratch/$kind/root.pem
        measured $kind.ours "$bench" 127.0.0.1 "${port_of[$kind]}" www.shop.example "$ca" "$count"
        measured $kind.go "$peer" handshakes 127.0.0.1 "${port_of[$kind]}" www.shop.example "$ca" "$count"
        s_time $kind.s_time "${port_of[$kind]}" "$ca"
        measured $kind.request "$bench" 127.0.0.1 "${port_of[$kind]}" www.shop.example "$ca" "$count" --request
        measured $kind.libssl "$bench" 127.0.0.1 "${port_of[$kind]}" www.shop.example "$ca" "$count" --engine libssl
        # A name of its own for each leaf, which auto would take to libssl first.
        measured $kind.new.ours "$bench" 127.0.0.1 "${port_of[$kind.leaves]}" '*.leaf.example' "$ca" "$count" --engine own
        measured $kind.new.go "$peer" handshakes 127.0.0.1 "${port_of[$kind.leaves]}" '*.leaf.example' "$ca" "$count"
    done
done

# --- the figures ----------------------------------------------------------------------------------------------------------------

figure() { spread <"$scratch/$1"; }
compare() { # WHAT OURS THEIRS NAME LIMIT
    row "$1" "$(figure "$2")/CPU s" "$4: $(figure "$3")" "$(ratio "$scratch/$2" "$scratch/$3")" ">=" "$5"
}

echo "handshakes a CPU second of the client; medians of $rounds interleaved runs of $count (least..most)"
for kind in ec rsa; do
    echo "$kind: with an HTTP request after each $(figure $kind.request); by libssl $(figure $kind.libssl); peak memory $(median <"$scratch/$kind.ours.kib") KiB, Go $(median <"$scratch/$kind.go.kib") KiB"
done
compare "verified full handshake with all evidence, chain seen before, EC" ec.ours ec.go "Go crypto/tls" 2.0
compare "the same, RSA" rsa.ours rsa.go "Go crypto/tls" 2.0
compare "the same, EC" ec.ours ec.s_time "openssl s_time -new" 4.5
compare "the same, EC, every leaf new" ec.new.ours ec.new.go "Go crypto/tls" 1.2
compare "the same, RSA, every leaf new" rsa.new.ours rsa.new.go "Go crypto/tls" 1.2
finish
