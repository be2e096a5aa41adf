# Negotiations that fail in each way, with nginx, haproxy, openssl s_server, gnutls-serv and stunnel, and fixed bytes where no
# server says them on demand.
. "$(dirname "${BASH_SOURCE[0]}")/servers.sh"

# Keys whose public half belongs to another certificate, so that servers take them for matching. In the DER of an EC key the
# private scalar of P-256 is at 7..38, before the public point; in that of an RSA key the modulus of 2048 bits is at 12..267.
mismatched_key() { # ec|rsa NAME OTHER -> NAME.false.key
    local at length form
    if [ "$1" = ec ]; then at=7 length=32 form=EC; else at=12 length=256 form=RSA; fi
    for half in "$2" "$3"; do
        openssl "$1" -in "$pki/$half.key" -outform DER ${traditional[$1]:-} -out "$pki/$half.der" 2>>"$work/logs/mismatch"
    done
    # the outer half has everything but the spliced bytes
    local outer=$2 inner=$3
    [ "$1" = ec ] || { outer=$3 inner=$2; }
    {
        head -c $at "$pki/$outer.der"
        tail -c +$((at + 1)) "$pki/$inner.der" | head -c $length
        tail -c +$((at + length + 1)) "$pki/$outer.der"
    } >"$pki/$2.false.der"
    printf '%s\n' "-----BEGIN $form PRIVATE KEY-----" "$(base64 -w 64 "$pki/$2.false.der")" "-----END $form PRIVATE KEY-----" >"$pki/$2.false.key"
}
declare -A traditional=([rsa]=-traditional)

negotiation_papers() {
    certificate ec
    certificate rsa --key rsa
    certificate brainpool --key ec:brainpoolP256r1
    certificate other --names www.other.example
    certificate ec2
    certificate rsa2 --key rsa
    mismatched_key ec ec ec2
    mismatched_key rsa rsa rsa2
    openssl dhparam -dsaparam -out "$pki/dh.pem" 1024 2>>"$work/logs/dh"
    certificate visitor --names visitor --purpose clientAuth
    authority foreign-root
    certificate stranger --names stranger --purpose clientAuth --issuer foreign-root
    cat "$pki/visitor.chain.pem" "$pki/visitor.key" >"$pki/visitor.both.pem"
    cat "$pki/stranger.chain.pem" "$pki/stranger.key" >"$pki/stranger.both.pem"
}

negotiation_up() {
    local ca="ssl_client_certificate $pki/root.pem; ssl_verify_depth 3; ssl_verify_client on;"
    mkdir -p "$work/lab"
    negotiation_papers
    take_port plain
    {
        nginx_server only_13 ec.chain ec "ssl_protocols TLSv1.3;"
        nginx_server only_12 ec.chain ec "ssl_protocols TLSv1.2;"
        nginx_server ccm ec.chain ec "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-CCM;"
        nginx_server camellia rsa.chain rsa "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-CAMELLIA128-SHA256;"
        nginx_server brainpool rsa.chain rsa "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256;" \
            "ssl_ecdh_curve brainpoolP256r1;"
        nginx_server retried rsa.chain rsa "ssl_protocols TLSv1.3; ssl_ecdh_curve secp521r1;"
        nginx_server weak_dh rsa.chain rsa "ssl_protocols TLSv1.2; ssl_ciphers DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0;" \
            "ssl_dhparam $pki/dh.pem;"
        take_port named
        echo "server { listen 127.0.0.1:${port[named]} ssl default_server; ssl_reject_handshake on; }"
        nginx_server named ec.chain ec "server_name $lab_host;"
        take_port unnamed
        echo "server { listen 127.0.0.1:${port[unnamed]} ssl default_server; ssl_reject_handshake on; }"
        nginx_server unnamed other.chain other "server_name www.other.example;"
        take_port proxied
        nginx_server proxied ec.chain ec "set_real_ip_from 127.0.0.1;" | sed 's/ ssl;/ ssl proxy_protocol;/'
        nginx_server client_12 ec.chain ec "ssl_protocols TLSv1.2; $ca"
        nginx_server client_13 ec.chain ec "ssl_protocols TLSv1.3; $ca"
        nginx_server closing ec.chain ec "return 444;"
        nginx_server resetting ec.chain ec "return 444; reset_timedout_connection on;"
        nginx_server false_ec ec.chain ec.false
        nginx_server false_rsa rsa.chain rsa.false "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256;"
        nginx_server false_static rsa.chain rsa.false "ssl_protocols TLSv1.2; ssl_ciphers AES128-GCM-SHA256;"
        echo "server { listen 127.0.0.1:${port[plain]}; location / { return 200 \"hello\n\"; } }"
    } >"$work/negotiation.servers"
    "$lab" nginx "$work/lab" negotiation <"$work/negotiation.servers"
}

# shows WHAT PAPER: the probe shows a client certificate
shows() { echo "$(target "$1") --client-cert $pki/$2.both.pem"; }

s_clients() { s_server "$1" ec ec -www -CAfile "$pki/root.pem" -Verify 3 -verify_return_error "${@:2}"; }

gnutls_clients() { gnutls_server "$1" ec --require-client-cert --x509cafile "$pki/root.pem" "${@:2}"; }

stunnel_clients() { stunnel_server "$1" ec "${port[plain]}" "CAfile = $pki/root.pem" "verifyChain = yes"; }

stunnel_nowhere() {
    take_port nowhere
    stunnel_server stunnel_nowhere ec "${port[nowhere]}"
}

mute() {
    raw_server behind_mute answer hold >/dev/null
    stunnel_server mute ec "${port[behind_mute]}"
}

says() { raw_server "$1" "$2" "$3" "$(hex "$4")"; } # WHAT WHEN THEN TEXT

banner_ssh() { says ssh greet hold 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'; }
banner_smtp() { says smtp greet hold '220 mail.shop.example ESMTP Postfix\r\n'; }
banner_ftp() { says ftp greet hold '220 (vsFTPd 3.0.3)\r\n'; }
banner_imap() { says imap greet hold '* OK [CAPABILITY IMAP4rev1] ready\r\n'; }
banner_pop() { says pop greet hold '+OK ready\r\n'; }
banner_unknown() { says odd answer close 'hello there\n'; }

# haproxy_split WHAT CONDITION PORT: passes connections on to nginx, unread, but those whose first bytes meet the condition
haproxy_split() {
    take_port "$1"
    printf '%s\n' "defaults" " mode tcp" " timeout client 10s" " timeout server 10s" " timeout connect 5s" \
        "frontend front" " bind 127.0.0.1:${port[$1]}" " tcp-request inspect-delay 5s" \
        " tcp-request content accept if { req.ssl_hello_type 1 }" " use_backend other if { $2 }" " default_backend web" \
        "backend web" " server web 127.0.0.1:${port[only_12]}" "backend other" " server other 127.0.0.1:$3" >"$work/$1.haproxy"
    start "$1" haproxy -f "$work/$1.haproxy"
    started_at "$1"
    target "$1"
}

# lab-raw as the other server
split_to() { # WHAT CONDITION THEN [BYTES]
    raw_server "behind_$1" answer "${@:3}" >/dev/null
    haproxy_split "$1" "$2" "${port[behind_$1]}"
}
split_name() { split_to "$1" "req.ssl_sni -i $lab_host" "${@:2}"; }
split_13() { split_to "$1" "req.payload(0,0),hex -m sub -i 002b0005040304 002b0003020304" "${@:2}"; } # supported_versions

# A certificate of a CA that the server does not know
s_stranger() {
    s_clients "$@" >/dev/null
    shows "$1" stranger
}
