#!/bin/bash
# probe --workers: every target of a list is probed once, whatever the number of workers; an interrupt and a reader that goes away end
# all of them; and what cannot be shared is refused.
. "$(dirname "$0")/lib.sh"
targets=60

"$source_dir/tests/lab/pki.sh" "$work/pki" init
"$source_dir/tests/lab/pki.sh" "$work/pki" leaf www.shop.example
port=$(free_port)
cat >"$work/nginx.conf" <<CONF
daemon off;
pid $work/nginx.pid;
error_log $work/logs/nginx;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
    server {
        listen 0.0.0.0:$port ssl;
        ssl_certificate $work/pki/www.shop.example.chain.pem;
        ssl_certificate_key $work/pki/www.shop.example.key;
        return 200 "ok\n";
    }
}
CONF
start nginx nginx -c "$work/nginx.conf" -e "$work/logs/nginx"
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
wait_for 20 "nginx" listening

for n in $(seq "$targets"); do echo "127.0.3.$n:$port"; done >"$work/list"
probe=("$agent_program" probe -f "$work/list" --sni www.shop.example --ca-file "$work/pki/root.pem" --format ndjson)

for workers in 1 2 7; do
    expect_exit 0 "${probe[@]}" --workers $workers -j 16
    equal "$workers workers: different targets that are ok" \
        "$(jq -r 'select(.outcome.class == "ok") | .flow.destination' <"$work/out" | sort -u | grep -c .)" "$targets"
    equal "$workers workers: attempts" "$(grep -c '"class":"ok"' "$work/out")" "$targets"
done

# More workers than targets
expect_exit 0 "$agent_program" probe "127.0.3.1:$port" --workers 5 --sni www.shop.example --ca-file "$work/pki/root.pem"
expect_output ' 200'

# A finding is a finding, whoever found it.
{ cat "$work/list"; echo "127.0.3.1:$(free_port)"; } >"$work/list.bad"
expect_exit 1 "$agent_program" probe -f "$work/list.bad" --workers 3 --sni www.shop.example --ca-file "$work/pki/root.pem"
expect_output '61 endpoints: 60 ok, 1 failed'

# An interrupt ends all: one worker has the first target, which is told at once, and the others wait for silent servers.
silent=$(free_port)
start silent "$LAB_SERVER" silent --listen "0.0.0.0:$silent"
{ head -n 1 "$work/list"; for n in $(seq 30); do echo "127.0.4.$n:$silent"; done; } >"$work/list.silent"
"$agent_program" probe -f "$work/list.silent" --workers 3 -j 6 --timeout 10m --sni www.shop.example --ca-file "$work/pki/root.pem" \
    --format ndjson >"$work/interrupted" 2>"$work/logs/interrupted" &
probing=$!
pids+=("$probing")
wait_for 60 "a first verdict" grep -q '"class":"ok"' "$work/interrupted"
kill -INT "$probing"
status=0
wait "$probing" || status=$?
equal "exit code after an interrupt" "$status" 3
! grep -qE 'Sanitizer|runtime error' "$work/logs/interrupted" || fail "sanitizer: $(head -3 "$work/logs/interrupted")"

refused 2 'pcap and --keylog go with --workers 1 only' "${probe[@]}" --workers 2 --pcap "$work/pcap"
refused 2 '"0" is not a number' "${probe[@]}" --workers 0
refused 3 'No such file' "$agent_program" probe "127.0.3.1:$port" --workers 3 --ca-file "$work/nowhere"
