# What the sections about TLS share: a PKI, a port for each server, and how servers of each kind are started. Sourced by
# SECTION.sh. The name probed is www.shop.example unless a setup says otherwise.
pki=$work/lab/pki
lab_host=www.shop.example
LAB_RAW=${LAB_SERVER%/*}/lab-raw
declare -gA port

pki() { "$source_dir/tests/lab/pki.sh" "$pki" "$@"; }

# certificate NAME [options of pki.sh leaf...]: unless it is there
certificate() {
    [ -f "$pki/root.pem" ] || pki init
    [ -f "$pki/$1.pem" ] || pki leaf "$1" --names "$lab_host" "${@:2}"
}

authority() {
    [ -f "$pki/root.pem" ] || pki init
    [ -f "$pki/$1.pem" ] || pki authority "$@"
}

# chain FILE PART...: a file of certificates, in this order
chain() {
    local file=$1 part
    shift
    for part in "$@"; do cat "$pki/$part.pem"; done >"$pki/$file.pem"
}

# One that is free, and promised to no other server of this run
take_port() {
    local candidate
    until candidate=$(free_port) && [[ " ${port[*]:-} " != *" $candidate "* ]]; do :; done
    port[$1]=$candidate
}

# target WHAT [HOST]: what {} stands for in the lists
target() { echo "${2:-$lab_host}:${port[$1]} --address 127.0.0.1 --ca-file $pki/root.pem"; }

# nginx_server WHAT CERTIFICATE-FILE KEY [lines...]: a server block; / answers 200 unless there is a line with "location" or "return"
nginx_server() {
    [ -n "${port[$1]:-}" ] || take_port "$1"
    echo "server { listen 127.0.0.1:${port[$1]} ssl; ssl_certificate $pki/$2.pem; ssl_certificate_key $pki/$3.key;"
    [ $# -lt 4 ] || printf '%s\n' "${@:4}"
    [[ "${*:4}" == *location* || "${*:4}" == *"return "* ]] || echo 'location / { return 200 "hello\n"; }'
    echo "}"
}

started_at() { wait_for 10 "$1 to listen" listening_or_dead "${port[$1]}" "$started"; }

# s_server WHAT CERTIFICATE KEY [options...]: openssl's, which prints a page
s_server() {
    take_port "$1"
    start "$1" openssl s_server -accept "127.0.0.1:${port[$1]}" -cert "$pki/$2.pem" -cert_chain "$pki/$2.chain.pem" \
        -key "$pki/$3.key" "${@:4}"
    started_at "$1"
    target "$1"
}

# gnutls_server WHAT CERTIFICATE [options...]
gnutls_server() {
    take_port "$1"
    start "$1" gnutls-serv --http --port "${port[$1]}" --x509certfile "$pki/$2.chain.pem" --x509keyfile "$pki/$2.key" "${@:3}"
    started_at "$1"
    target "$1"
}

# haproxy_server WHAT CERTIFICATE [words of the bind line...]
haproxy_server() {
    take_port "$1"
    cat "$pki/$2.chain.pem" "$pki/$2.key" >"$pki/$2.haproxy.pem"
    printf '%s\n' "defaults" " mode http" " timeout client 10s" " timeout server 10s" " timeout connect 5s" \
        "frontend web" " bind 127.0.0.1:${port[$1]} ssl crt $pki/$2.haproxy.pem ${*:3}" \
        " http-request return status 200 content-type text/plain string hello" >"$work/$1.haproxy"
    start "$1" haproxy -f "$work/$1.haproxy"
    started_at "$1"
    target "$1"
}

# stunnel_server WHAT CERTIFICATE BACKEND-PORT [lines...]
stunnel_server() {
    take_port "$1"
    printf '%s\n' "foreground = yes" "pid =" "[web]" "accept = 127.0.0.1:${port[$1]}" "connect = 127.0.0.1:$3" \
        "cert = $pki/$2.chain.pem" "key = $pki/$2.key" "${@:4}" >"$work/$1.stunnel"
    start "$1" stunnel "$work/$1.stunnel"
    started_at "$1"
    target "$1"
}

# raw_server WHAT greet|answer close|reset|hold [HEX]
raw_server() {
    take_port "$1"
    start "$1" "$LAB_RAW" "${port[$1]}" "${@:2}"
    started_at "$1"
    target "$1"
}

hex() { printf '%b' "$1" | od -An -v -tx1 | tr -d ' \n'; }

# haproxy_clients WHAT CERTIFICATE optional|required: asks for client certificates
haproxy_clients() { haproxy_server "$1" "$2" ca-file "$pki/root.pem" verify "$3"; }
