#!/bin/bash
# What --pcap and --keylog write is what Wireshark reads: it decrypts the connection, follows it, and finds nothing wrong.
. "$(dirname "$0")/lib.sh"

"$source_dir/tests/lab/pki.sh" "$work/pki" init
"$source_dir/tests/lab/pki.sh" "$work/pki" leaf www.shop.example
port=$(free_port)
start server openssl s_server -accept "127.0.0.1:$port" -cert pki/www.shop.example.pem -cert_chain pki/intermediate.pem \
    -key pki/www.shop.example.key -www -quiet
wait_for 10 "the server" listening "$port"
probe() { "$agent_program" probe "www.shop.example:$port" --address 127.0.0.1 --ca-file pki/root.pem "$@"; }

for how in --tls1.2 --tls1.3 "--engine own"; do
    # shellcheck disable=SC2086 # words
    expect_exit 0 probe $how --pcap one.pcapng --keylog one.keys
    equal "mode of the capture" "$(stat -c %a one.pcapng)" 600
    equal "mode of the key log" "$(stat -c %a one.keys)" 600
    grep -qE '^(CLIENT_RANDOM|CLIENT_HANDSHAKE_TRAFFIC_SECRET) [0-9a-f]{64} [0-9a-f]+$' one.keys || fail "no secrets in the key log"
    if ! command -v tshark >/dev/null; then
        say "tshark is not installed: whether it reads the capture with $how was not tried"
        continue
    fi
    read_capture() { tshark -r one.pcapng -o tls.keylog_file:one.keys -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE "$@" 2>/dev/null; }
    equal "requests" "$(read_capture -Y http.request -T fields -e http.request.method -e http.host)" "GET"$'\t'"www.shop.example:$port"
    equal "what the expert minds" "$(read_capture -Y '_ws.malformed or tcp.analysis.flags or tcp.checksum.status == 0 or ip.checksum.status == 0')" ""
    read_capture -q -z follow,tls,ascii,0 | grep -q "^HTTP/1.0 200 ok" || fail "the stream cannot be followed"
    ok "with $how the stream can be followed"
    capinfos one.pcapng | grep -q "Synthetic" || fail "the file does not say that it is synthetic"
    ok "the file says that its headers are synthetic"
done

# A connection that is refused: the SYN and its RST. Every attempt of the ladder has one, in one file.
expect_exit 1 "$agent_program" probe "127.0.0.1:$(free_port)" --pcap refused.pcapng --ladder never
if command -v tshark >/dev/null; then
    equal "packets of a refused connection" "$(tshark -r refused.pcapng -T fields -e tcp.flags.str 2>/dev/null | tr -d '·\n')" "SAR"
fi

refused 3 'capture file "/nowhere/x": No such file' probe --pcap /nowhere/x
refused 3 'key log "/nowhere/x": No such file' probe --keylog /nowhere/x
