#!/bin/bash
# Makes inputs for a fuzzer to begin with, in build/fuzz/corpus, from what the tests have and from a TLS server on this machine.
#   tests/fuzz/seeds.sh [BUILD_DIR]     default: build/asan, whose parallax-agent probes that server
# Only needed when what is fuzzed has changed much: `run.sh --merge` then puts what adds something into tests/fuzz/corpus.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
[ "${1:-}" != --help ] || { sed -n '2,4s/^# //p' "$0"; exit 0; }
agent=$(realpath "${1:-$source_dir/build/asan}")/bin/parallax-agent
build=$source_dir/build/fuzz corpus=$source_dir/build/fuzz/corpus
cmake --build "$build" --target fuzz fuzz-seeds >/dev/null
for target in "$build"/fuzz/fuzz-*; do mkdir -p "$corpus/${target##*/fuzz-}"; done
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT

# --- certificates of many sorts, and what a responder says of them ---
pki=$work/pki
lab() { "$source_dir/tests/lab/pki.sh" "$pki" "$@"; }
lab init
lab leaf www.shop.example --names www.shop.example,shop.example,192.0.2.7
lab leaf rsa.example --key rsa --digest sha1
lab leaf small.example --key rsa:1024 --valid past
lab leaf curve.example --key ec:secp384r1 --valid future --no-san
lab leaf self.example --self-signed --valid soon
lab leaf staple.example --extension tlsfeature=status_request \
    --extension 'authorityInfoAccess=OCSP;URI:http://ocsp.example/,caIssuers;URI:http://ca.example/i.der' \
    --extension crlDistributionPoints=URI:http://crl.example/c.crl
lab leaf client.example --purpose clientAuth
der() { openssl x509 -in "$pki/$1.pem" -outform DER; }
piece() { perl -e 'local $/; my $d = <STDIN>; print pack("n", length $d), $d'; }
for name in root intermediate www.shop.example rsa.example small.example curve.example self.example staple.example client.example; do
    der "$name" >"$corpus/certificate/$name"
done
for name in www.shop.example staple.example; do
    openssl ocsp -issuer "$pki/intermediate.pem" -cert "$pki/$name.pem" -reqout "$work/request" >/dev/null 2>&1
    openssl ocsp -index "$pki/index" -CA "$pki/intermediate.pem" -rsigner "$pki/intermediate.pem" -rkey "$pki/intermediate.key" \
        -reqin "$work/request" -respout "$work/response" -ndays 3 >/dev/null 2>&1
    pair() { der "$name" | piece; der intermediate | piece; }
    { pair; cat "$work/response"; } >"$corpus/ocsp/answer-$name"
    { pair; der intermediate; } >"$corpus/ocsp/issuer-$name"
    { pair; openssl crl2pkcs7 -nocrl -certfile "$pki/intermediate.pem" -outform DER; } >"$corpus/ocsp/pkcs7-$name"
    { pair; printf '\0\x0e\0\x05hello\0\x05world'; } >"$corpus/ocsp/proofs-$name"
done

openssl req -new -key "$pki/www.shop.example.key" -subj / -outform DER >"$corpus/pki/request"
cp "$pki/www.shop.example.pem" "$corpus/pki/certificate"
mmdb() { perl "$source_dir/tests/lab/mmdb.pl" "$corpus/networks/$@"; }
mmdb asn4 4 192.0.2.0/24 '{"autonomous_system_number": 64501}' 203.0.113.0/28 '{"asn": "AS4837", "country": "CN"}'
mmdb asn6 6 192.0.2.0/24 '{"asn": "AS64501", "country_code": "HK"}' 2001:db8::/32 '{"country": {"iso_code": "HK"}}'

# --- a handshake, as bytes and as evidence ---
port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
openssl s_server -quiet -www -accept "127.0.0.1:$port" -cert "$pki/www.shop.example.pem" -key "$pki/www.shop.example.key" \
    -cert_chain "$pki/www.shop.example.chain.pem" >/dev/null 2>&1 </dev/null &
server=$!
for _ in $(seq 50); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
openssl s_client -connect "127.0.0.1:$port" -servername www.shop.example -msg </dev/null >"$work/client" 2>/dev/null || true
perl -e '
    my ($n, $dir, $hex) = (0); # one file a handshake: direction, content, length, bytes of each message
    my $out = "";
    my $flush = sub { if (defined $dir && length $hex) { my $b = pack("H*", $hex); $out .= chr($dir) . pack("n", length $b) . $b } };
    while (<>) {
        if (/^(<<<|>>>) .*(Handshake|ChangeCipherSpec|Alert) \[/) {
            $flush->();
            $dir = ($1 eq "<<<" ? 128 : 0) | {Handshake => 22, ChangeCipherSpec => 20, Alert => 21}->{$2};
            $hex = "";
        } elsif (/^    ((?:[0-9a-f]{2} )+|(?:[0-9a-f]{2}[ -])*[0-9a-f]{2})\s*$/) {
            (my $h = $1) =~ tr/0-9a-f//cd;
            $hex .= $h;
        } else { $flush->(); undef $dir; $hex = "" }
    }
    $flush->();
    print $out;
' "$work/client" >"$corpus/tls_log/handshake"
answer() { # NAME S_CLIENT_OPTION...: what the server says in plain text, a record a message
    openssl s_client -connect "127.0.0.1:$port" -servername www.shop.example -msg "${@:2}" </dev/null 2>/dev/null |
        perl -ne '
            sub flush { print pack("Cnn", 22, 0x303, length $b), $b if length $b; $b = "" }
            if (/^<<< .*Handshake \[/) { flush(); $on = 1 }
            elsif ($on && /^    ([0-9a-f ]+)$/) { ($h = $1) =~ tr/0-9a-f//cd; $b .= pack("H*", $h) }
            else { $on = 0 }
            BEGIN { print "\x80" } END { flush() }' >"$corpus/answer/$1"
}
answer tls12 -tls1_2 -status
answer tls13 -tls1_3
printf '\x80\x15\x03\x03\0\x02\x02\x28' >"$corpus/answer/alert"
printf '\x80\x15\x01\x01\0\x02\x02\x28' >"$corpus/answer/tlcp"
printf '\x80HTTP/1.1 400 Bad Request\r\n' >"$corpus/answer/http"
probe() { "$agent" probe --format ndjson "$@" 2>/dev/null || true; }
{
    if [ -x "$agent" ]; then
        probe --ca-file "$pki/root.pem" --address 127.0.0.1 "www.shop.example:$port"
        probe "127.0.0.1:$port" "127.0.0.1:1"
        probe "localhost:$port" --ladder always
        probe "nothing.invalid"
    fi
    sed -n "s/^    {\"\({'.*}\)\", \"[a-z.0-9_]*\"},\$/\1/p" "$source_dir/tests/unit/proto/words/test_attempt_from_json.c" | tr "'" '"'
    for story in interception asn_block stale_address forty_one_edge origin_expired; do
        "$source_dir/tests/cases/make.sh" "$story" | awk '/"clock"/ && NR % 97 == 5'
    done
} >"$work/attempts"
"$build/bin/fuzz-seeds" "$corpus" <"$work/attempts"
{ printf '\x03'; head -c 0 /dev/null; printf '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03'; } >"$corpus/pump/server-record"
openssl s_client -connect "127.0.0.1:$port" -servername parallax-collector -tls1_3 -msg </dev/null 2>/dev/null |
    perl -ne 'if (/^>>> .*ClientHello/) { $on = 1 } elsif ($on && /^    ([0-9a-f ]+)$/) { ($h = $1) =~ tr/0-9a-f//cd; $all .= $h } elsif ($on) { last }
        END { my $b = pack("H*", $all); print "\0\x16\x03\x01", pack("n", length $b), $b }' >"$corpus/pump/client-hello" || true

# --- texts ---
cp "$source_dir/tests/cases/by_hand.ndjson" "$corpus/recording/by_hand"
for story in interception sick_vantage forty_one_edge; do
    "$source_dir/tests/cases/make.sh" "$story" | awk 'NR <= 8 || /"clock"/ && n++ < 4' >"$corpus/recording/$story"
done
head -60 "$source_dir/deploy/cdn.table" >"$corpus/cdn_table/built-in"
printf '%s\n' 'collectors:' '  - "probe.example:7443"' '  - "[2001:db8::1]:7443"' 'allow:' '  - any' '  - "*.shop.example"' \
    '  - 203.0.113.0/24' 'ca_file: /etc/parallax/ca.pem' 'resolver: 192.0.2.53' 'contact: ops@shop.example' 'spool_mib: 64' \
    'concurrency: 32' 'address_seconds: 2' 'address_burst: 3' 'source: 192.0.2.9' 'fetch: no' >"$corpus/settings/whole"
printf '%s\n' 'site,role,target,address,sni,interval,sentinel,fetch' 'shop,edge,https://www.shop.example/x,,,30s,no,issuer ocsp' \
    'shop,origin,192.0.2.7:8443,,www.shop.example,,,' '"a ""b"" c",plain,[2001:db8::7]:443,,,1m,yes,none' \
    'shop,edge,www.shop.example@192.0.2.8,,,,,' >"$corpus/sites_csv/whole"
printf '%s\n' 'sites:' '  - name: shop' '    interval: 30s' '    sentinel: yes' '    fetch: [issuer, ocsp]' '    endpoints:' \
    '      - {role: edge, target: www.shop.example}' '      - role: origin' '        target: 192.0.2.7:8443' \
    '        sni: www.shop.example' '        address: 192.0.2.8' >"$corpus/sites_yaml/whole"
printf '\x05HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nCF-Ray: 8f1-HKG\r\nSet-Cookie: x\r\n\r\n<html>' \
    >"$corpus/http/gateway"
printf '\x01\x02\x81\x80\0\x01\0\x03\0\0\0\0\x01a\x04test\0\0\x01\0\x01\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01b\xc0\x0e\xc0\x24\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07\xc0\x24\0\x1c\0\x01\0\0\0\x3c\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07' \
    >"$corpus/dns_answer/cname"
n=0
for text in 203.0.113.7 2001:db8::1 203.0.113.0/24 '2001:db8::/32' ::ffff:192.0.2.1 https://www.shop.example:8443/x '[2001:db8::1]:443' \
    bücher.example 2026-11-20T10:12:44.123456+08:00 2026-11-20 250ms 1.5s 2d '*.shop.example' any issuer,ocsp hk-1 \
    "$(printf '%064d' 7)" "plx1.$(printf '%064d' 7).$(printf 'A%.0s' $(seq 43))"; do
    printf '%s' "$text" >"$corpus/parsers/text-$((n += 1))"
done
printf '=cmd|x\x1b[31m\xe5\xba\x97\xe2\x80\xae <b>"x"</b> @all https://a.example | \x00\xff' >"$corpus/text/hostile"
find "$corpus" -type f | sed "s|$corpus/||; s|/.*||" | sort | uniq -c
