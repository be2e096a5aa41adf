#!/bin/bash
# The lab: TLS servers on loopback that tell a story, unprivileged, everything in DIR.
#   lab.sh up DIR             starts the seed story; DIR/sites says what an operator would add, DIR/lab.env where things are
#   lab.sh nginx DIR NAME     starts one nginx in DIR with the server blocks read from stdin
#   lab.sh down DIR           stops what was started in DIR, and nothing else
# LAB_SERVER names the lab-server program (default: beside this script); NGINX_HTTP has lines for the http block of each nginx.
#
#   blog   www.blog.example   a healthy site
#   shop   www.shop.example   the edge answers a ClientHello from the address of the cn vantage with a reset; the origin serves all
#   wiki   www.wiki.example   the edge is fine; the origin's certificate has expired behind it
#   api    www.api.example    the edge is a reverse proxy that sends no SNI to its upstream, which refuses that: 502
set -euo pipefail
verb=${1:-} dir=${2:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
server=${LAB_SERVER:-$here/lab-server}
PATH=$PATH:/usr/sbin:/sbin
cn_address=127.0.0.12

die() { echo "lab.sh: $*" >&2; exit 1; }

# Is the process of this pid file ours? A pid may have been given to someone else since.
alive() { # PID-FILE
    local pid
    pid=$(cat "$1" 2>/dev/null) || return 1
    [ -n "$pid" ] && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$dir"
}

start_nginx() { # NAME, server blocks on stdin
    local name=$1 kind
    {
        echo "worker_processes 1; pid $dir/$name.pid; error_log $dir/$name.error.log info;"
        echo "events { worker_connections 1024; }"
        echo "http { access_log off; server_tokens off; ${NGINX_HTTP:-}"
        for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $dir/$name.tmp/$kind;"; done
        cat
        echo "}"
    } >"$dir/$name.conf"
    mkdir -p "$dir/$name.tmp"
    nginx -p "$dir" -e "$dir/$name.error.log" -c "$dir/$name.conf" || die "nginx did not start; see $dir/$name.error.log"
}

tls_server() { # ADDRESS:PORT CERTIFICATE [server lines...]
    local at=$1 certificate=$2
    shift 2
    echo "server { listen $at ssl; ssl_certificate $dir/pki/$certificate.chain.pem;"
    echo "ssl_certificate_key $dir/pki/$certificate.key;" "$@" "}"
}

hello_answer='location / { default_type text/plain; return 200 "hello from the lab\n"; }'

proxy_to() { echo "location / { proxy_pass https://$1; proxy_set_header Host \$host; proxy_ssl_session_reuse off; }"; }

make_certificates() {
    "$here/pki.sh" "$dir/pki" init
    local name
    for name in blog shop wiki api; do
        "$here/pki.sh" "$dir/pki" leaf $name --names "www.$name.example"
    done
    "$here/pki.sh" "$dir/pki" leaf wiki-origin --names www.wiki.example --valid past
}

up() {
    mkdir -p "$dir"
    [ -f "$dir/pki/root.pem" ] || make_certificates
    local port blog shop_edge shop_origin wiki_edge wiki_origin api_edge api_origin
    port=$("$server" ports 1) || die "found no free port"
    # an address each, as in life: agents limit how often they connect to one address
    blog=127.0.1.1:$port shop_edge=127.0.1.2:$port shop_origin=127.0.1.3:$port wiki_edge=127.0.1.4:$port
    wiki_origin=127.0.1.5:$port api_edge=127.0.1.6:$port api_origin=127.0.1.7:$port
    {
        tls_server "$blog" blog "$hello_answer"
        tls_server "$shop_origin" shop "$hello_answer"
        tls_server "$wiki_edge" wiki "$(proxy_to "$wiki_origin")"
        tls_server "$wiki_origin" wiki-origin "$hello_answer"
        tls_server "$api_edge" api "$(proxy_to "$api_origin")"
        echo "server { listen $api_origin ssl default_server; ssl_reject_handshake on; }"
        tls_server "$api_origin" api "server_name www.api.example;" "$hello_answer"
    } | start_nginx story
    "$server" --record "$dir/accepted" reset-hello --listen "$shop_edge" --from "$cn_address/32" \
        --to "$shop_origin" >"$dir/server.listening" 2>"$dir/server.log" </dev/null &
    echo $! >"$dir/server.pid"
    wait_listening "$dir/server.listening" "$dir/server.log"
    cat >"$dir/sites" <<SITES
blog --plain www.blog.example:$port@${blog%:*}
shop --edge www.shop.example:$port@${shop_edge%:*} --origin $shop_origin
wiki --edge www.wiki.example:$port@${wiki_edge%:*} --origin $wiki_origin
api --edge www.api.example:$port@${api_edge%:*} --origin $api_origin
SITES
    cat >"$dir/lab.env" <<ENV
lab_ca=$dir/pki/root.pem
lab_hk=127.0.0.11
lab_cn=$cn_address
lab_overseas=127.0.0.13
lab_blog=$blog
lab_shop_edge=$shop_edge
lab_shop_origin=$shop_origin
lab_wiki_edge=$wiki_edge
lab_wiki_origin=$wiki_origin
lab_api_edge=$api_edge
lab_api_origin=$api_origin
ENV
}

wait_listening() { # FILE LOG
    local tries
    for tries in $(seq 100); do
        [ ! -s "$1" ] || return 0
        sleep 0.05
    done
    die "lab-server did not start after $tries tries: $(tail -1 "$2")"
}

down() {
    local file tries
    for file in "$dir"/*.pid; do
        [ -e "$file" ] || continue
        if alive "$file"; then
            kill -TERM "$(cat "$file")" 2>/dev/null || true
            for tries in $(seq 100); do
                alive "$file" || break
                [ "$tries" != 80 ] || kill -KILL "$(cat "$file")" 2>/dev/null || true
                sleep 0.05
            done
        fi
        rm -f "$file"
    done
}

[ -n "$dir" ] || die "usage: lab.sh up|nginx|down DIR"
mkdir -p "$dir" && dir=$(cd "$dir" && pwd)
case $verb in
    up) down && up ;;
    nginx) start_nginx "${3:?usage: lab.sh nginx DIR NAME}" ;;
    down) down ;;
    *) die "unknown verb $verb (up, nginx or down)" ;;
esac
