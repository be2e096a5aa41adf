# nginx and haproxy as the edge of a site, with what content delivery networks say of themselves, and origins behind them that
# are wrong in each way.
. "$(dirname "${BASH_SOURCE[0]}")/servers.sh"

# answers WHAT STATUS [header lines...]: an edge that answers so
answers() {
    local line headers=()
    for line in "${@:3}"; do headers+=("add_header ${line%%: *} \"${line#*: }\" always;"); done
    nginx_server "$1" ec.chain ec ${headers[@]+"${headers[@]}"} "location / { return $2 \"it is $2\\n\"; }"
}

# fronts WHAT ORIGIN [lines...]: an edge that proxies to an origin, as nginx does by default: without SNI
fronts() {
    nginx_server "$1" ec.chain ec "ssl_protocols TLSv1.2 TLSv1.3;" "location / { proxy_pass https://127.0.0.1:${port[$2]}; proxy_set_header Host $lab_host;
        proxy_ssl_session_reuse off; proxy_connect_timeout 1s; proxy_read_timeout 1s; ${*:3} }"
}

edge_origins() {
    for name in by_name default_other down; do take_port "$name"; done
    nginx_server fine ec.chain ec
    nginx_server fine_12 ec.chain ec "ssl_protocols TLSv1.2;"
    echo "server { listen 127.0.0.1:${port[by_name]} ssl default_server; ssl_reject_handshake on; }"
    nginx_server by_name ec.chain ec "server_name $lab_host;"
    nginx_server default_other other.chain other "server_name _;"
    nginx_server default_other ec.chain ec "server_name $lab_host;"
    nginx_server past past.chain past
    nginx_server self self.chain self
    nginx_server other other.chain other
}

edge_proxies() {
    local verify="proxy_ssl_verify on; proxy_ssl_trusted_certificate $pki/root.pem; proxy_ssl_verify_depth 3;"
    local sni="proxy_ssl_server_name on; proxy_ssl_name $lab_host;"
    fronts to_fine fine
    fronts to_fine_12 fine_12
    fronts to_past_unverified past
    fronts to_by_name by_name
    fronts to_by_name_sni by_name "$sni"
    fronts to_default_other default_other "$verify proxy_ssl_name $lab_host;"
    fronts to_past past "$verify $sni"
    fronts to_self self "$verify $sni"
    fronts to_other other "$verify $sni"
    fronts to_down down
    fronts to_silent silent
}

edge_answers() {
    local status
    for status in 500 502 503 504 521 529; do answers "plain_$status" "$status"; done
    for status in 520 521 522 523 524 525 526 527 528 530; do
        answers "cloud_$status" "$status" "CF-RAY: 8f1a2b3c4d5e6f70-HKG" "CF-Cache-Status: DYNAMIC"
    done
    answers akamai 502 "Server-Timing: cdn-cache; desc=MISS, ak_p; desc=1" "Akamai-GRN: 0.4ce01702.1700000000.1a2b3c"
    answers fastly 502 "X-Served-By: cache-fra-eddf8230020-FRA, cache-hkg17935-HKG" "X-Timer: S1700000000.123456,VS0,VE1"
    answers cloudfront 502 "X-Amz-Cf-Pop: HKG62-C1" "X-Amz-Cf-Id: abc=="
    answers alibaba 502 "EagleId: 2ff6339e17000000001234567e" "Via: cache1.l2hk1[0,0,200-0,H], kunlun3.cn4569[2,0]"
    answers tencent 502 "X-NWS-LOG-UUID: 1234567890" "X-Cache-Lookup: Cache Miss"
    answers edgeone 502 "EO-LOG-UUID: 1234567890" "EO-Cache-Status: MISS"
    answers huawei 502 "X-CCDN-CacheTTL: 0" "Via: CHN-JSsuqian-AREACUCC1-CACHE43[3],CHN-TJ-GLOBAL1-CACHE98[9]"
    answers baidu 502 "Ohc-Cache-HIT: bj2un101 [1], czix101 [1]"
    answers wangsu 502 "X-Via: 1.1 PSfjfzdx2na95:3 (Cdn Cache Server V2.0), 1.1 PShbtsyd1ui143:1 (Cdn Cache Server V2.0)"
    answers gcore 502 "X-ID: hk2-hw-edge-gc11" "X-ID-FE: hk2-hw-edge-gc11"
    answers bunny 502 "Server: BunnyCDN-HK1-1047" "CDN-RequestId: 0123456789abcdef"
    answers cdn77 502 "X-77-POP: hongkongHK"
    answers ours 502 "X-Ours: node hk7.ours.example"
    answers hostile 502 "CF-RAY: 1-<script>alert(1)</script>" "X-Amz-Cf-Pop: \\x1b[31m"
}

edge_up() {
    mkdir -p "$work/lab"
    certificate ec
    certificate past --valid past
    certificate self --self-signed
    certificate other --names www.other.example
    take_port silent
    start silent "$LAB_SERVER" silent --listen "127.0.0.1:${port[silent]}"
    { edge_origins && edge_proxies && edge_answers; } >"$work/edge.servers"
    "$lab" nginx "$work/lab" edge <"$work/edge.servers"
}

# with_cdn_file WHAT: and a file of the operator's that knows one more CDN
with_cdn_file() {
    printf '%s\n' "cdn Ours" "header x-ours = node *" "pop x-ours after space until ." >"$work/ours.table"
    echo "$(target "$1") --cdn-file $work/ours.table"
}

# with_origin EDGE ORIGIN: both are probed
with_origin() { echo "$(target "$1") --origin 127.0.0.1:${port[$2]}"; }

# haproxy_to ORIGIN [words of the server line...]: haproxy as the edge, and its origin
haproxy_to() {
    take_port haproxy
    cat "$pki/ec.chain.pem" "$pki/ec.key" >"$pki/ec.haproxy.pem"
    printf '%s\n' "defaults" " mode http" " timeout client 10s" " timeout server 2s" " timeout connect 2s" " retries 0" \
        "frontend web" " bind 127.0.0.1:${port[haproxy]} ssl crt $pki/ec.haproxy.pem" " default_backend origin" \
        "backend origin" " server origin 127.0.0.1:${port[$1]} ssl ${*:2}" >"$work/haproxy.edge"
    start haproxy haproxy -f "$work/haproxy.edge"
    started_at haproxy
    with_origin haproxy "$1"
}
haproxy_verifying() { haproxy_to "$1" verify required ca-file "$pki/root.pem" verifyhost "$lab_host" sni "str($lab_host)"; }
