#!/usr/bin/env bash
# Probes 1,000 endpoints on loopback addresses, 256 at once, from one agent.
# Must hold: all succeed, and the agent's peak RSS stays under 64 MB.
# Usage: tests/bench/probe_fleet.sh [BUILD_DIR]      (a release build; default build/release)
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build_dir=${1:-${PARALLAX_BUILD_DIR:-$source_dir/build/release}}
agent=$build_dir/bin/parallax-agent
endpoints=1000
at_once=256
limit_kb=$((64 * 1024))

[ -x "$agent" ] || { echo "probe_fleet: no $agent; build the release preset first" >&2; exit 3; }
command -v nginx >/dev/null || { echo "probe_fleet: nginx is not installed" >&2; exit 3; }

scratch=$(mktemp -d)
nginx_pid=
cleanup() {
    [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null || true
    [ -z "$nginx_pid" ] || wait "$nginx_pid" 2>/dev/null || true
    rm -rf "$scratch"
}
trap cleanup EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=fleet.test \
    -addext subjectAltName=DNS:fleet.test -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null

start_nginx() {
    port=$(shuf -i 20000-29999 -n 1)
    cat >"$scratch/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $scratch/nginx.pid;
error_log $scratch/error.log;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path $scratch/body; proxy_temp_path $scratch/proxy; fastcgi_temp_path $scratch/fastcgi;
    uwsgi_temp_path $scratch/uwsgi; scgi_temp_path $scratch/scgi;
    server {
        listen 0.0.0.0:$port ssl backlog=4096;
        ssl_certificate $scratch/cert.pem;
        ssl_certificate_key $scratch/key.pem;
        return 200 "ok\n";
    }
}
CONF
    nginx -c "$scratch/nginx.conf" -e "$scratch/error.log" >/dev/null 2>&1 &
    nginx_pid=$!
    for _ in $(seq 50); do
        sleep 0.1
        kill -0 "$nginx_pid" 2>/dev/null || return 1
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return 0; fi
    done
    return 1
}
for try in 1 2 3 4 5; do
    start_nginx && break
    [ "$try" -lt 5 ] || { echo "probe_fleet: nginx does not start:" >&2; cat "$scratch/error.log" >&2; exit 3; }
done

for i in $(seq 0 $((endpoints - 1))); do
    echo "127.20.$((i / 250)).$((i % 250 + 1)):$port"
done >"$scratch/targets"

status=0
/usr/bin/time -f '%e %M' -o "$scratch/time" \
    "$agent" probe -f "$scratch/targets" -j "$at_once" --sni fleet.test --ca-file "$scratch/cert.pem" \
    --format ndjson >"$scratch/out" || status=$?
read -r seconds peak_kb < <(tail -n 1 "$scratch/time")
ok=$(grep -c '"class":"ok"' "$scratch/out" || true)

echo "$ok of $endpoints endpoints ok, $at_once at once, in $seconds s, peak RSS $((peak_kb / 1024)) MB ($peak_kb KB)"
[ "$status" -eq 0 ] && [ "$ok" -eq "$endpoints" ] || { echo "probe_fleet: not all succeeded (exit $status)" >&2; exit 1; }
[ "$peak_kb" -lt "$limit_kb" ] || { echo "probe_fleet: peak RSS above 64 MB" >&2; exit 1; }
