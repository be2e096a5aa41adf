#!/bin/bash
# A certificate authority for the lab, made at run time: root, intermediate and whatever leaves are asked for.
#   pki.sh DIR init
#   pki.sh DIR leaf NAME [--names www.a.example,10.0.0.1] [--key ec|rsa] [--valid now|past|future] [--self-signed]
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
        rsa) quietly openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$2" ;;
        *) echo "pki.sh: unknown key kind $1 (ec or rsa)" >&2; return 2 ;;
    esac
}

# "openssl ca" is the one tool of OpenSSL 3.0 that sets both dates freely.
sign() { # ISSUER|self EXTENSIONS START END NAME
    local signer=(-cert "$dir/$1.pem" -keyfile "$dir/$1.key")
    [ "$1" != self ] || signer=(-selfsign -keyfile "$dir/$5.key")
    quietly openssl ca -batch -notext -config "$dir/ca.conf" "${signer[@]}" -extfile "$2" \
        -startdate "$3" -enddate "$4" -in "$dir/$5.csr" -out "$dir/$5.pem"
}

at() { date -u -d "$1" +%Y%m%d%H%M%SZ; }

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
    for name in root intermediate; do
        new_key ec "$dir/$name.key"
        quietly openssl req -new -key "$dir/$name.key" -subj "/CN=Parallax Lab ${name^}" -out "$dir/$name.csr"
    done
    sign self "$dir/authority.ext" "$(at '-60 days')" "$(at '+3650 days')" root
    sign root "$dir/authority.ext" "$(at '-60 days')" "$(at '+1825 days')" intermediate
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
    local names=$name key=ec start end
    start=$(at '-1 day') end=$(at '+90 days')
    local issuer=intermediate
    while [ $# -gt 0 ]; do
        case $1 in
            --names) names=$2; shift 2 ;;
            --key) key=$2; shift 2 ;;
            --self-signed) issuer=self; shift ;;
            --valid)
                case $2 in
                    now) ;;
                    past) start=$(at '-40 days') end=$(at '-3 days') ;;
                    future) start=$(at '+3 days') end=$(at '+90 days') ;;
                    *) echo "pki.sh: --valid takes now, past or future" >&2; exit 2 ;;
                esac
                shift 2 ;;
            *) echo "pki.sh: unknown option $1" >&2; exit 2 ;;
        esac
    done
    new_key "$key" "$dir/$name.key"
    quietly openssl req -new -key "$dir/$name.key" -subj "/CN=${names%%,*}" -out "$dir/$name.csr"
    printf '%s\n' basicConstraints=CA:false keyUsage=critical,digitalSignature,keyEncipherment \
        extendedKeyUsage=serverAuth subjectKeyIdentifier=hash "subjectAltName=$(subject_names "$names")" >"$dir/$name.ext"
    [ $issuer = self ] || echo authorityKeyIdentifier=keyid >>"$dir/$name.ext"
    sign $issuer "$dir/$name.ext" "$start" "$end" "$name"
    if [ $issuer = self ]; then cat "$dir/$name.pem"; else cat "$dir/$name.pem" "$dir/intermediate.pem"; fi >"$dir/$name.chain.pem"
    rm -f "$dir/$name.csr" "$dir/$name.ext"
}

case $verb in
    init) init ;;
    leaf) leaf "$@" ;;
    *) echo "pki.sh: unknown verb $verb (init or leaf)" >&2; exit 2 ;;
esac
