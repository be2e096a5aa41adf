# dnsmasq, unbound and lab-dns as the resolver that is asked; nginx behind the names that resolve.
. "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
LAB_DNS=${LAB_SERVER%/*}/lab-dns

dnsmasq_up() {
    take_port dnsmasq
    start dnsmasq dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --user= --port="${port[dnsmasq]}" \
        --listen-address=127.0.0.1 --bind-interfaces --address="/$lab_host/127.0.0.1" --address=/null.shop.example/0.0.0.0 \
        --txt-record=text.shop.example,hello \
        --local=/shop.example/ --address=/www.bogus.example/127.0.0.1
    started_at dnsmasq
}

# Validates bogus.example, which is not signed, against a key; what is below fail.example it asks of a server that refuses.
unbound_up() {
    take_port unbound
    cat >"$work/unbound.conf" <<CONF
server:
    interface: 127.0.0.1@${port[unbound]}
    username: ""
    chroot: ""
    directory: "$work"
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    do-ip6: no
    do-not-query-localhost: no
    qname-minimisation: no
    module-config: "validator iterator"
    local-zone: "alias.example." static
    local-data: "www.alias.example. CNAME absent.shop.example."
    trust-anchor: "bogus.example. DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"
remote-control:
    control-enable: no
stub-zone:
    name: bogus.example
    stub-addr: 127.0.0.1@${port[dnsmasq]}
forward-zone:
    name: shop.example
    forward-addr: 127.0.0.1@${port[dnsmasq]}
forward-zone:
    name: example
    forward-addr: 127.0.0.1@${port[dnsmasq]}
CONF
    start unbound unbound -d -c "$work/unbound.conf"
    started_at unbound
}

dns_up() {
    mkdir -p "$work/lab"
    certificate ec --names "$lab_host,www.bogus.example,null.shop.example"
    certificate other --names www.other.example
    {
        nginx_server web ec.chain ec
        echo "server { listen 127.0.0.8:${port[web]} ssl; ssl_certificate $pki/other.chain.pem; ssl_certificate_key $pki/other.key; }"
    } >"$work/dns.servers"
    "$lab" nginx "$work/lab" dns <"$work/dns.servers"
    dnsmasq_up
    unbound_up
}

# named RESOLVER [HOST]: the host by that resolver
named() { echo "${2:-$lab_host}:${port[web]} --ca-file $pki/root.pem --resolver 127.0.0.1:${port[$1]}"; }

# dns_server KIND [ADDRESS [OTHER]]: lab-dns as the resolver
dns_server() {
    take_port dns
    rm -f "$work/logs/dns"
    start dns "$LAB_DNS" "$1" "127.0.0.1:${port[dns]}" "${@:2}"
    wait_for 10 "lab-dns $1" grep -qs listening "$work/logs/dns"
    named dns
}

nobody_there() { take_port dns && named dns; }
