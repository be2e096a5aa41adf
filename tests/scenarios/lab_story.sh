#!/bin/bash
# The lab itself tells its story to a client that is not ours, so that a failure elsewhere is not the lab's.
. "$(dirname "$0")/lib.sh"

"$lab" up "$work/lab"
. "$work/lab/lab.env"

# What openssl s_client says to one request: verify result, status line, or how it failed. AS: its source address.
answer() { # NAME ADDRESS:PORT [AS]
    printf 'GET / HTTP/1.0\r\nHost: www.%s.example\r\n\r\n' "$1" |
        timeout 10 openssl s_client -connect "$2" -servername "www.$1.example" -verify_hostname "www.$1.example" \
            -CAfile "$lab_ca" -bind "${3:-127.0.0.1}" -ign_eof 2>&1 |
        tr -d '\r' | sed -nE 's/^ *Verify return code: ([0-9]+) .*/verify \1/p; s/^HTTP[^ ]* ([0-9]+).*/status \1/p; s/^(write|read)[^:]*:errno=([0-9]+)/errno \2/p' |
        sort -u | tr '\n' ' ' || true
}

for as in "$lab_hk" "$lab_cn" "$lab_overseas"; do
    equal "blog as $as" "$(answer blog "$lab_blog" "$as")" "status 200 verify 0 "
    equal "shop's origin as $as" "$(answer shop "$lab_shop_origin" "$as")" "status 200 verify 0 "
done
equal "shop's edge as hk" "$(answer shop "$lab_shop_edge" "$lab_hk")" "status 200 verify 0 "
equal "shop's edge as cn" "$(answer shop "$lab_shop_edge" "$lab_cn")" "errno 104 verify 0 "
equal "wiki's edge" "$(answer wiki "$lab_wiki_edge")" "status 200 verify 0 "
equal "wiki's origin" "$(answer wiki "$lab_wiki_origin")" "status 200 verify 10 "
equal "api's edge" "$(answer api "$lab_api_edge")" "status 502 verify 0 "
equal "api's origin, asked with its name" "$(answer api "$lab_api_origin")" "status 200 verify 0 "

"$lab" down "$work/lab"
equal "pid files left" "$(ls "$work/lab"/*.pid 2>/dev/null | wc -l)" 0
! listening "${lab_blog##*:}" "${lab_blog%:*}" || fail "nginx still listens"
! listening "${lab_shop_edge##*:}" "${lab_shop_edge%:*}" || fail "lab-server still listens"
ok "down stops all of it"
