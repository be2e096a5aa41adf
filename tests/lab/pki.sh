#!/bin/bash
# A certificate authority for the lab, made at run time: root, intermediate and whatever leaves are asked for.
#   pki.sh DIR init [--key KIND]
#   pki.sh DIR leaf NAME [--names www.a.example,10.0.0.1] [--key ec|ec:CURVE|rsa|rsa:BITS] [--valid now|past|future|soon] [--self-signed]
#          [--issuer AUTHORITY] [--digest sha1] [--purpose clientAuth] [--extension LINE]... [--no-san]
#   pki.sh DIR authority NAME [--issuer AUTHORITY] [--valid now|past] [--extension LINE]      another CA, of itself without --issuer
#          [--key KIND]
# Leaves: NAME.key, NAME.pem (the leaf alone), NAME.chain.pem (as a server should send it). The root that clients trust: root.pem.
set -euo pipefail
dir=${1:?usage: pki.sh DIR init|leaf ...} verb=${2:?usage: pki.sh DIR init|leaf ...}
shift 2

# openssl prints progress on stderr; it is shown only when it fails.
quietly() {
    local log
    log=$("$@" 2>&1 >/dev/null) || { printf '%s\n' "pki.sh: $* failed:" "$log" >&2; return 1; }
}

new_key() { # KIND FILE
    case $1 in
        ec) quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$2" ;;
        ec:*) quietly openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${1#ec:}" -out "$2" ;;
        rsa) quietly openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$2" ;;
        rsa:*) quietly openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${1#rsa:}" -out "$2" ;;
        *) echo "pki.sh: unknown key kind $1 (ec, ec:CURVE, rsa or rsa:BITS)" >&2; return 2 ;;
    esac
}

# "openssl ca" is the one tool of OpenSSL 3.0 that sets both dates freely.
sign() { # ISSUER|self EXTENSIONS START END NAME [DIGEST]
    local signer=(-cert "$dir/$1.pem" -keyfile "$dir/$1.key")
    [ "$1" != self ] || signer=(-selfsign -keyfile "$dir/$5.key")
    quietly openssl ca -batch -notext -config "$dir/ca.conf" "${signer[@]}" -extfile "$2" \
        -md "${6:-sha256}" \
        -startdate "$3" -enddate "$4" -in "$dir/$5.csr" -out "$dir/$5.pem"
}

at() { date -u -d "$1" +%Y%m%d%H%M%SZ; }

# What --valid means, into start and end
validity() {
    start=$(at '-1 day') end=$(at '+90 days')
    case $1 in
        now) ;;
        past) start=$(at '-40 days') end=$(at '-3 days') ;;
        future) start=$(at '+3 days') ;;
        soon) end=$(at '+5 days') ;;
        *) echo "pki.sh: --valid takes now, past, future or soon" >&2; exit 2 ;;
    esac
}

init() {
    mkdir -p "$dir"
    : >"$dir/index"
    echo "7$(openssl rand -hex 8)0" >"$dir/serial"
    cat >"$dir/ca.conf" <<CONF
[ca]
default_ca = lab
[lab]
database = $dir/index
serial = $dir/serial
new_certs_dir = $dir
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
CONF
    printf '%s\n' basicConstraints=critical,CA:true keyUsage=critical,keyCertSign,cRLSign subjectKeyIdentifier=hash >"$dir/authority.ext"
    authority root "$@"
    authority intermediate --issuer root "$@"
}

authority() {
    local name=${1:?usage: pki.sh DIR authority NAME ...} issuer=self key=ec extensions=() start end; shift
    start=$(at '-60 days') end=$(at '+1825 days')
    while [ $# -gt 0 ]; do
        case $1 in
            --issuer) issuer=$2 ;;
            --key) key=$2 ;;
            --valid) [ "$2" = now ] || validity "$2" ;;
            --extension) extensions+=("$2") ;;
            *) echo "pki.sh: unknown option $1" >&2; exit 2 ;;
        esac
        shift 2
    done
    new_key "$key" "$dir/$name.key"
    quietly openssl req -new -key "$dir/$name.key" -subj "/CN=Parallax Lab ${name^}" -out "$dir/$name.csr"
    printf '%s\n' "$(cat "$dir/authority.ext")" ${extensions[@]+"${extensions[@]}"} >"$dir/$name.ext"
    sign "$issuer" "$dir/$name.ext" "$start" "$end" "$name"
    rm -f "$dir/$name.ext"
}

subject_names() { # a,b,1.2.3.4
    local name list=
    for name in ${1//,/ }; do
        if [[ $name =~ ^[0-9.]+$|: ]]; then list+=",IP:$name"; else list+=",DNS:$name"; fi
    done
    echo "${list#,}"
}

leaf() {
    local name=${1:?usage: pki.sh DIR leaf NAME ...}; shift
    local names=$name key=ec issuer=intermediate digest=sha256 purpose=serverAuth san=yes start end extensions=()
    validity now
    while [ $# -gt 0 ]; do
        case $1 in
            --names) names=$2; shift ;;
            --key) key=$2; shift ;;
            --valid) validity "$2"; shift ;;
            --self-signed) issuer=self ;;
            --issuer) issuer=$2; shift ;;
            --digest) digest=$2; shift ;;
            --purpose) purpose=$2; shift ;;
            --extension) extensions+=("$2"); shift ;;
            --no-san) san= ;;
            *) echo "pki.sh: unknown option $1" >&2; exit 2 ;;
        esac
        shift
    done
    new_key "$key" "$dir/$name.key"
    quietly openssl req -new -key "$dir/$name.key" -subj "/CN=${names%%,*}" -out "$dir/$name.csr"
    [ -z "$san" ] || extensions+=("subjectAltName=$(subject_names "$names")")
    [ "$issuer" = self ] || extensions+=(authorityKeyIdentifier=keyid)
    printf '%s\n' basicConstraints=CA:false keyUsage=critical,digitalSignature,keyEncipherment \
        "extendedKeyUsage=$purpose" subjectKeyIdentifier=hash ${extensions[@]+"${extensions[@]}"} >"$dir/$name.ext"
    sign "$issuer" "$dir/$name.ext" "$start" "$end" "$name" "$digest"
    if [ "$issuer" = self ]; then cat "$dir/$name.pem"; else cat "$dir/$name.pem" "$dir/$issuer.pem"; fi >"$dir/$name.chain.pem"
    rm -f "$dir/$name.csr" "$dir/$name.ext"
}

case $verb in
    init) init "$@" ;;
    leaf) leaf "$@" ;;
    authority) authority "$@" ;;
    *) echo "pki.sh: unknown verb $verb (init, leaf or authority)" >&2; exit 2 ;;
esac
