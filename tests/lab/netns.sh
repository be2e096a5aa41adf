# A path of network namespaces, to be sourced by scenarios that run as root (after lib.sh):
#
#     client 10.71.1.2 --- near 10.71.1.1 === lab-wire === far 10.71.3.1 --- server 10.71.3.2, .3 and .4
#
# near and far are routers, each with an nftables ruleset; between them lab-wire does what it is told (tests/lab/wire.c). The
# server is nginx at .2 and .3; at .4 there is only what is started with path_serve. The agent runs on the client as an unprivileged user.
#
#   path_up                       makes it, once
#   path_wire [OPTIONS]           starts the wire, with 10 ms before and 40 ms behind its middle
#   path_filter near|far RULE...  nftables rules of the forward chain; they are gone with the next path_wire
#   path_serve ARGUMENTS...       starts lab-capacity on the server
#   path_down                     removes it
path_id=plx$$
path_name=www.path.example
path_server=10.71.3.2
path_sibling=10.71.3.3
path_bare=10.71.3.4
path_made=${path_made:-} # several sections share one path

path_in() { ip netns exec "$path_id-$1" "${@:2}"; }
path_exec() { exec ip netns exec "$path_id-$1" "${@:2}"; } # in the background: its pid is the command's

# path_link ONE ADDRESS OTHER ADDRESS: a cable between two namespaces
path_link() {
    ip link add "to-$3" netns "$path_id-$1" type veth peer name "to-$1" netns "$path_id-$3"
    path_in "$1" ip address add "$2" dev "to-$3"
    path_in "$3" ip address add "$4" dev "to-$1"
    path_in "$1" ip link set "to-$3" up
    path_in "$3" ip link set "to-$1" up
}

path_wire_end() { # NAMESPACE ADDRESS PEER NETWORK
    path_in "$1" ip tuntap add dev wire0 mode tun
    path_in "$1" ip address add "$2" peer "$3" dev wire0
    path_in "$1" ip link set wire0 up
    path_in "$1" ip route add "$4" dev wire0
    path_in "$1" sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000
    path_in "$1" nft 'add table ip path; add chain ip path forward { type filter hook forward priority 0; }'
}

path_pki() {
    local number names=$path_name
    for number in $(seq 60); do names+=",one-of-many-names-$number.path.example"; done # a flight of several packets
    "$source_dir/tests/lab/pki.sh" "$work/pki" init
    "$source_dir/tests/lab/pki.sh" "$work/pki" leaf path --key rsa --names "$names"
}

# path_nginx NAME ADDRESS:PORT...: its master's pid is in $started
path_nginx() {
    local name=$1 at certificate=${path_nginx_certificate:-$work/pki/path}
    shift
    mkdir -p "$work/$name.tmp"
    {
        echo "user nobody nogroup; worker_processes 1; daemon off; pid $work/$name.pid;"
        echo "events { worker_connections 512; } http { access_log off; server_tokens off;"
        for at in client_body proxy fastcgi uwsgi scgi; do echo "${at}_temp_path $work/$name.tmp/$at;"; done
        for at in "$@"; do
            echo "server { listen $at ssl backlog=128; ssl_certificate $certificate.chain.pem; ssl_certificate_key $certificate.key;"
            echo 'location / { default_type text/plain; return 200 "hello from the far end\n"; } }'
        done
        echo "server { listen ${1%:*}:80; return 404; } }"
    } >"$work/$name.conf"
    start "$name" path_exec "${path_nginx_at:-server}" nginx -p "$work" -e "$work/logs/$name" -c "$work/$name.conf"
    wait_for 20 "$name" path_in "${path_nginx_at:-server}" bash -c "(exec 3<>/dev/tcp/${1/:/\/}) 2>/dev/null"
}

# The agent as the client's unprivileged user sees it: a checkout may lie where only root can read.
path_agent() {
    chmod 755 "$work" "$work/pki"
    if ! setpriv --reuid=nobody --regid=nogroup --clear-groups test -x "$agent_program"; then
        mkdir -p "$work/bin"
        cp "$agent_program" "$work/bin/"
        agent_program=$work/bin/parallax-agent
    fi
    path_run_with=(ip netns exec "$path_id-client" ${path_first[@]+"${path_first[@]}"} setpriv --reuid=nobody --regid=nogroup --clear-groups)
}

# Times on the path are what is looked at, and a machine under test has more to do: wire and agent go before the rest.
path_priority() {
    path_first=()
    ! chrt --fifo 10 true 2>/dev/null || path_first=(chrt --fifo 10)
}

path_up() {
    [ -z "$path_made" ] || return 0
    local name
    if ! { [ "$(id -u)" = 0 ] && unshare --net true 2>/dev/null && [ -c /dev/net/tun ] && command -v nft ip >/dev/null; }; then
        say "SKIPPED: paths need root, network namespaces, /dev/net/tun, ip and nft"
        exit 0
    fi
    path_made=yes
    path_priority
    trap path_at_exit EXIT
    for name in client near far server; do
        ip netns add "$path_id-$name"
        path_in "$name" ip link set lo up
    done
    path_link client 10.71.1.2/24 near 10.71.1.1/24
    path_link far 10.71.3.1/24 server "$path_server/24"
    path_in server ip address add "$path_sibling/24" dev to-far
    path_in server ip address add "$path_bare/24" dev to-far
    path_in client ip route add default via 10.71.1.1
    path_in server ip route add default via 10.71.3.1
    path_in client sysctl -q -w net.ipv6.conf.to-near.disable_ipv6=0 net.ipv6.conf.to-near.accept_dad=0
    path_in near sysctl -q -w net.ipv6.conf.to-client.disable_ipv6=0 net.ipv6.conf.to-client.accept_dad=0
    path_in near ip address add 2001:db8:71::1/64 dev to-client nodad
    path_wire_end near 10.71.2.1 10.71.2.2 10.71.3.0/24
    path_wire_end far 10.71.2.2 10.71.2.1 10.71.1.0/24
    path_pki
    path_nginx path.nginx "$path_server:443" "$path_sibling:443" 127.0.0.1:8443
    path_agent
}

path_filter() { # near|far RULE...
    local at=$1
    shift
    path_in "$at" nft "add rule ip path forward $*"
}

path_ready() { [ -s "$1" ] || gone "$2"; }

# started_ready FILE NAME COMMAND...: starts something that says "ready" in FILE
path_start_ready() {
    local log=$1
    shift
    : >"$work/logs/$log"
    start "$log" "$@"
    wait_for 20 "$log" path_ready "$work/logs/$log" "$started"
    ! gone "$started" || fail "$log ended"
}

path_wire() {
    rm -f "/etc/netns/$path_id-client/hosts"
    path_in client ip address del 2001:db8:71::2/64 dev to-near 2>/dev/null || true # and the route by it
    path_in client ip -6 route flush default 2>/dev/null || true
    path_in client ip route flush cache # what was learned of the last wire's MTU
    path_in server ip route flush cache
    path_in near nft 'flush table ip path'
    path_in far nft flush chain ip path forward
    path_start_ready wire ${path_first[@]+"${path_first[@]}"} "$build_dir/lab/lab-wire" --left "$path_id-near" --right "$path_id-far" --delay-left 10 --delay-right 40 "$@"
    run_with=("${path_run_with[@]}")
}

path_serve() { path_start_ready capacity ip netns exec "$path_id-server" "$build_dir/lab/lab-capacity" "$@"; }

path_target() { echo "--ca-file $work/pki/root.pem --address ${2:-$path_server} $path_name:${1:-443}"; }

path_down() {
    local name
    rm -rf "/etc/netns/$path_id-client"
    for name in client near far server; do
        ip netns del "$path_id-$name" 2>/dev/null || true
    done
}

path_at_exit() {
    local status=$?
    set +e # at_exit takes the status on, and has to be reached with any
    path_down
    (exit "$status")
    at_exit
}

# --- setups of the scenarios: they print the probe's arguments ----------------------------------------------------------------

over() { # [OPTIONS of lab-wire]
    path_wire "$@"
    path_target
}

# over_names OPTIONS -- ADDRESS...: the name has these addresses, on the client (ip-netns(8): /etc/netns)
over_names() {
    local options=() at
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    path_wire ${options[@]+"${options[@]}"}
    mkdir -p "/etc/netns/$path_id-client"
    for at in "$@"; do echo "$at $path_name"; done >"/etc/netns/$path_id-client/hosts"
    echo "--ca-file $work/pki/root.pem $path_name"
}

# The client has an IPv6 address and a router, which knows no way on
over_families() {
    over_names -- 2001:db8:3::2 "$path_server"
    path_in client ip address replace 2001:db8:71::2/64 dev to-near nodad
    path_in client ip route replace default via 2001:db8:71::1
}

# A proxy at the near router takes the connections for itself, and makes a certificate for whatever name is asked for
intercepted() {
    local name
    path_wire
    "$source_dir/tests/lab/pki.sh" "$work/mint" init
    for name in "$path_name" example.com; do "$source_dir/tests/lab/pki.sh" "$work/mint" leaf "$name" --names "$name"; done
    chmod -R a+rX "$work/mint"
    path_nginx_at=near path_nginx_certificate="$work/mint/\$ssl_server_name" path_nginx path.proxy 10.71.1.1:8443
    path_in near nft 'add chain ip path divert { type nat hook prerouting priority -100; }'
    path_in near nft "add rule ip path divert ip daddr $path_server tcp dport 443 redirect to :8443"
    path_target
}

over_to() { # PORT [ADDRESS]
    path_wire
    path_target "$@"
}

served() { # ARGUMENTS of lab-capacity, but for where it listens
    local kind=$1
    shift
    path_wire
    path_serve "$kind" "$path_bare:4433" "$@"
    path_target 4433 "$path_bare"
}

spaced_served() { # SECONDS ARGUMENTS of lab-capacity
    served "${@:2}"
    run_with=(after "$1" "${path_run_with[@]}")
}

filtered() { # near|far VERDICT...: for the server's port
    local at=$1
    shift
    path_wire
    path_filter "$at" ip daddr "$path_server" tcp dport 443 "$@"
    path_target
}

filtered_all() { # VERDICT...
    path_wire
    path_filter far ip daddr "$path_server" "$@"
    path_target
}

# nginx with its worker stopped takes no connection from the kernel
stopped() {
    path_wire
    path_nginx path.hung "$path_bare:4434"
    kill -STOP $(pgrep -P "$started")
    path_target 4434 "$path_bare"
}

# What the last run left behind, packets before a slow line or a block, is gone when the next begins
after() { # SECONDS COMMAND...
    sleep "$1"
    "${@:2}"
}

spaced() { # SECONDS [OPTIONS of lab-wire]
    path_wire "${@:2}"
    run_with=(after "$1" "${path_run_with[@]}")
    path_target
}

# Each run of the agent finds the limit untouched
limit_anew() { # COMMAND...
    path_in far nft flush chain ip path forward
    path_filter far ip daddr "$path_server" tcp dport 443 'tcp flags & (syn | ack) == syn' limit rate over 1/minute burst 4 packets drop
    "$@"
}

limited() {
    path_wire
    run_with=(limit_anew "${path_run_with[@]}")
    path_target
}

starved() { # DESCRIPTORS: fewer than connections at once
    local port targets=
    path_wire
    run_with+=(prlimit --nofile="$1:$1")
    for port in $(seq 4401 4440); do targets+=" $path_bare:$port"; done
    echo "$targets"
}
