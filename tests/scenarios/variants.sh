#!/bin/bash
# Servers that are well answer every variant that they have what it takes for: nginx, haproxy, openssl, gnutls and stunnel,
# with TLS 1.2 and 1.3, RSA and ECDSA. A whole ladder on them names no cause.
. "$(dirname "$0")/lib.sh"
. "$source_dir/tests/lab/causes/servers.sh"

mkdir -p lab
certificate ec
certificate rsa --key rsa
certificate peer --purpose clientAuth
take_port plain
{
    nginx_server nginx-ec ec.chain ec "ssl_protocols TLSv1.2 TLSv1.3;"
    nginx_server nginx-ec-1.2 ec.chain ec "ssl_protocols TLSv1.2;"
    nginx_server nginx-rsa-1.3 rsa.chain rsa "ssl_protocols TLSv1.3;"
    nginx_server nginx-clients rsa.chain rsa "ssl_client_certificate $pki/root.pem; ssl_verify_depth 3; ssl_verify_client on;"
    echo "server { listen 127.0.0.1:${port[plain]}; location / { return 200 \"hello\n\"; } }"
} >servers.conf
"$lab" nginx "$work/lab" web <servers.conf
declare -A kinds=([nginx-ec]=ec [nginx-ec-1.2]="ec 1.2" [nginx-rsa-1.3]="rsa 1.3")
serve() { # WHAT KIND FUNCTION [words...]
    kinds[$1]=$2
    "$3" "$1" "${@:4}" >/dev/null
}
serve haproxy-ec ec haproxy_server ec
serve haproxy-rsa-1.2 "rsa 1.2" haproxy_server rsa ssl-max-ver TLSv1.2
serve openssl-ec ec s_server ec ec -www
serve openssl-rsa-1.2 "rsa 1.2" s_server rsa rsa -www -tls1_2
serve gnutls-ec ec gnutls_server ec
serve gnutls-rsa-1.2 "rsa 1.2" gnutls_server rsa --priority NORMAL:-VERS-TLS1.3
serve stunnel-rsa rsa stunnel_server rsa "${port[plain]}"

variants="normal no-sni tls12 tls13 legacy wide rsa-only ecdsa-only large-hello small-mss large-small-mss split-hello no-alpn idle"
lacks() { # WHAT VARIANT: this server cannot answer it
    case "${kinds[$1]} $2" in
        ec*rsa-only | rsa*ecdsa-only | *1.2*tls13 | *1.3*tls12 | *1.3*legacy) ;;
        *) return 1 ;;
    esac
}
shakes_hands() { jq -e '.cases[0].attempts[0].clock.handshake != null' <<<"$out" >/dev/null; }

for what in $(printf "%s\n" "${!kinds[@]}" | sort); do
    for variant in $variants; do
        # shellcheck disable=SC2046 # words
        run "$agent_program" probe $(target "$what") --variant "$variant" --ladder never --format json
        if lacks "$what" "$variant"; then
            ! shakes_hands || fail "$what answers $variant, which it cannot"
        elif [ "$status" != 0 ]; then
            show_run
            fail "$what does not answer $variant"
        fi
    done
    # shellcheck disable=SC2046
    run "$agent_program" probe $(target "$what") --ladder always --burst --format json
    equal "$what, ${kinds[$what]}: all variants answered; a whole ladder concludes" "$(jq -r '.cases[].verdict.cause' <<<"$out")" none
done

cat "$pki/peer.chain.pem" "$pki/peer.key" >peer.pem
# shellcheck disable=SC2046
run "$agent_program" probe $(target nginx-clients) --client-cert peer.pem --format json
equal "with the client's certificate" "$(jq -c '[.cases[0].attempts[] | [.variant, .http.status]]' <<<"$out")" '[["normal",400],["client-cert",200]]'
