# Certificates wrong in each way, served by nginx and others; and healthy servers of every kind.
. "$(dirname "${BASH_SOURCE[0]}")/servers.sh"

# An OCSP answer for a certificate, as its server would staple it: staple NAME
staple() {
    openssl ocsp -index "$pki/index" -rsigner "$pki/intermediate.pem" -rkey "$pki/intermediate.key" -CA "$pki/intermediate.pem" \
        -issuer "$pki/intermediate.pem" -cert "$pki/$1.pem" -ndays 3 -respout "$pki/$1.ocsp" >"$work/logs/ocsp" 2>&1
}

certificate_papers() {
    certificate ec
    certificate rsa --key rsa
    certificate past --valid past
    certificate future --valid future
    certificate soon --valid soon
    certificate self --self-signed
    certificate other --names www.other.example
    certificate wildcard --names "*.shop.example"
    certificate nosan --no-san
    certificate garbled --no-san --extension 2.5.29.17=DER:30:7f:82
    certificate client --purpose clientAuth
    certificate sha1 --digest sha1
    certificate short --key rsa:1024
    certificate public --extension certificatePolicies=2.23.140.1.2.1
    certificate stapled --extension tlsfeature=status_request
    certificate revoked
    authority old --issuer root --valid past
    certificate of-old --issuer old
    authority foreign-root
    authority foreign --issuer foreign-root
    certificate of-foreign --issuer foreign
    authority private-root
    certificate of-private --issuer private-root
    authority private-ca
    take_port plain
    local where=authorityInfoAccess="caIssuers;URI:http://127.0.0.1:${port[plain]}"
    certificate says-where --extension "$where/intermediate.der"
    certificate says-private --issuer private-ca --extension "$where/private-ca.der"
    authority upper --issuer root
    authority lower --issuer upper --extension "$where/upper.der"
    certificate of-lower --issuer lower --extension "$where/lower.der"
    authority lost --issuer private-root --extension "$where/private-root.der"
    certificate of-lost --issuer lost --extension "$where/lost.der"
    authority round --issuer private-root --extension "$where/round.der"
    certificate of-round --issuer round --extension "$where/round.der"
    chain half of-lower lower
    local name
    for name in intermediate private-ca private-root upper lower lost round; do
        openssl x509 -in "$pki/$name.pem" -outform DER -out "$pki/$name.der"
    done
    take_port responder
    take_port nobody
    local responder=authorityInfoAccess="OCSP;URI:http://127.0.0.1"
    certificate asks --extension "$responder:${port[responder]}/"
    certificate asks-revoked --extension "$responder:${port[responder]}/"
    certificate asks-stapled --extension "$responder:${port[responder]}/" --extension tlsfeature=status_request
    certificate asks-nobody --extension "$responder:${port[nobody]}/"
    certificate asks-nobody-stapled --extension "$responder:${port[nobody]}/" --extension tlsfeature=status_request
    certificate asks-web --extension "$responder:${port[plain]}/"
    authority deep1 --issuer intermediate
    authority deep2 --issuer deep1
    authority deep3 --issuer deep2
    certificate deep --issuer deep3
    chain foreign.whole of-foreign foreign foreign-root
    chain wrong-intermediate ec foreign
    authority Intermediate --issuer root # of the same name, with a key of its own
    chain namesake ec Intermediate
    certificate of-leaf --issuer ec
    chain of-leaf.whole of-leaf ec intermediate
    chain shuffled ec root intermediate
    chain with-root ec intermediate root
    chain long deep deep3 deep2 deep1 intermediate
    for name in revoked asks-revoked; do
        openssl ca -config "$pki/ca.conf" -cert "$pki/intermediate.pem" -keyfile "$pki/intermediate.key" -revoke "$pki/$name.pem" \
            -crl_reason keyCompromise >"$work/logs/ca" 2>&1
    done
    staple revoked
    staple stapled
}

certificate_up() {
    mkdir -p "$work/lab"
    certificate_papers
    {
        nginx_server ec ec.chain ec "ssl_protocols TLSv1.2 TLSv1.3;"
        nginx_server ec_12 ec.chain ec "ssl_protocols TLSv1.2;"
        nginx_server ec_13 ec.chain ec "ssl_protocols TLSv1.3;"
        nginx_server rsa_12 rsa.chain rsa "ssl_protocols TLSv1.2;"
        nginx_server rsa_13 rsa.chain rsa "ssl_protocols TLSv1.3;"
        nginx_server both ec.chain ec "ssl_certificate $pki/rsa.chain.pem; ssl_certificate_key $pki/rsa.key;"
        nginx_server optional ec.chain ec "ssl_client_certificate $pki/root.pem; ssl_verify_client optional;"
        nginx_server long long deep
        nginx_server past past.chain past
        nginx_server of_old of-old.chain of-old
        nginx_server future future.chain future
        nginx_server soon soon.chain soon
        nginx_server self self.chain self
        nginx_server foreign of-foreign.chain of-foreign
        nginx_server foreign_root foreign.whole of-foreign
        nginx_server private of-private of-private
        nginx_server leaf_only ec ec
        nginx_server says_where says-where says-where
        nginx_server says_private says-private says-private
        nginx_server lower of-lower of-lower
        nginx_server half half of-lower
        nginx_server lost of-lost of-lost
        nginx_server round of-round of-round
        nginx_server asks asks.chain asks
        nginx_server asks_revoked asks-revoked.chain asks-revoked
        nginx_server asks_stapled asks-stapled.chain asks-stapled
        nginx_server asks_nobody asks-nobody.chain asks-nobody
        nginx_server asks_nobody_stapled asks-nobody-stapled.chain asks-nobody-stapled
        nginx_server asks_web asks-web.chain asks-web
        nginx_server wrong_intermediate wrong-intermediate ec
        nginx_server namesake namesake ec
        nginx_server of_leaf of-leaf.whole of-leaf
        nginx_server shuffled shuffled ec
        nginx_server with_root with-root ec
        nginx_server name ec.chain ec "server_name www.blog.example;"
        nginx_server name other.chain other "server_name $lab_host;"
        nginx_server default other.chain other
        nginx_server wildcard wildcard.chain wildcard
        nginx_server nosan nosan.chain nosan
        nginx_server client client.chain client
        nginx_server public public.chain public
        nginx_server unstapled stapled.chain stapled
        nginx_server stapled stapled.chain stapled "ssl_stapling on; ssl_stapling_file $pki/stapled.ocsp;"
        nginx_server revoked revoked.chain revoked "ssl_stapling on; ssl_stapling_file $pki/revoked.ocsp;"
        echo "server { listen 127.0.0.1:${port[plain]}; root $pki;"
        echo "location ~ der$ { default_type application/pkix-cert; } location / { return 200 \"hello\n\"; } }"
    } >"$work/certificate.servers"
    "$lab" nginx "$work/lab" certificate <"$work/certificate.servers"
    start responder openssl ocsp -port "${port[responder]}" -index "$pki/index" -CA "$pki/intermediate.pem" \
        -rsigner "$pki/intermediate.pem" -rkey "$pki/intermediate.key" -nmin 60 -ignore_err
    # It hangs for good once somebody has connected and said nothing, as started_at does.
    wait_for 10 "the responder to listen" grep -q "waiting for" "$work/logs/responder"
}

# with_clock OFFSET WHAT: the agent's clock is off; the server's is not
with_clock() {
    run_with=(env ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}" faketime --exclude-monotonic -f "$1")
    target "$2"
}

stunnel_web() { stunnel_server "$1" "$2" "${port[plain]}"; }

# dated_server WHAT CERTIFICATE OFFSET: haproxy that says another time than it is
dated_server() {
    take_port "$1"
    cat "$pki/$2.chain.pem" "$pki/$2.key" >"$pki/$2.haproxy.pem"
    printf '%s\n' "defaults" " mode http" " timeout client 10s" " timeout server 10s" " timeout connect 5s" \
        "frontend web" " bind 127.0.0.1:${port[$1]} ssl crt $pki/$2.haproxy.pem" \
        " http-request return status 200 content-type text/plain string hello hdr Date \"$(LC_ALL=C date -u -d "$3" '+%a, %d %b %Y %H:%M:%S GMT')\"" \
        >"$work/$1.haproxy"
    start "$1" haproxy -f "$work/$1.haproxy"
    started_at "$1"
    target "$1"
}
