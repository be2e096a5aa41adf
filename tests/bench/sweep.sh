#!/usr/bin/env bash
# A sweep (one ClientHello each) against our own full handshake, with the same nginx, every attempt written out by both.
# Figure: endpoints per second of the client's CPU time (user and system). Must hold: the sweep does 7 times as many.
# Usage: tests/bench/sweep.sh [BUILD_DIR]      (a release build; default build/release)
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build_dir=${1:-${PARALLAX_BUILD_DIR:-$source_dir/build/release}}
agent=$build_dir/bin/parallax-agent
runs=${RUNS:-5}
swept_bits=17 probed=4000 # a sweep of 2^15 addresses, and a list of probes of about as long a time
[ -x "$agent" ] || { echo "sweep: no $agent; build the release preset first" >&2; exit 3; }
command -v nginx >/dev/null || { echo "sweep: nginx is not installed" >&2; exit 3; }

scratch=$(mktemp -d)
nginx_pid=
cleanup() {
    [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null || true
    [ -z "$nginx_pid" ] || wait "$nginx_pid" 2>/dev/null || true
    rm -rf "$scratch"
}
trap cleanup EXIT

"$source_dir/tests/lab/pki.sh" "$scratch/pki" init
"$source_dir/tests/lab/pki.sh" "$scratch/pki" leaf www.shop.example
port=$("$build_dir/lab/lab-server" ports 1)
cat >"$scratch/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $scratch/nginx.pid;
error_log $scratch/error.log crit;
events { worker_connections 8192; }
http {
    access_log off;
    client_body_temp_path $scratch/body; proxy_temp_path $scratch/proxy; fastcgi_temp_path $scratch/fastcgi;
    uwsgi_temp_path $scratch/uwsgi; scgi_temp_path $scratch/scgi;
    server {
        listen 0.0.0.0:$port ssl backlog=4096;
        ssl_certificate $scratch/pki/www.shop.example.chain.pem;
        ssl_certificate_key $scratch/pki/www.shop.example.key;
        ssl_ecdh_curve X25519;
        return 200 "ok\n";
    }
}
CONF
nginx -c "$scratch/nginx.conf" -e "$scratch/error.log" >/dev/null 2>&1 &
nginx_pid=$!
for _ in $(seq 100); do
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    kill -0 "$nginx_pid" 2>/dev/null || { cat "$scratch/error.log" >&2; exit 3; }
    sleep 0.1
done

# cpu COMMAND...: its user and system time in microseconds, and its exit code has to be 0
cpu() {
    local before after
    before=$(awk '{ print $3 * 1e6 + $4 * 1e6 }' <(children))
    "$@" >"$scratch/results" 2>"$scratch/errors" || { tail -5 "$scratch/errors" "$scratch/results" >&2; return 1; }
    after=$(awk '{ print $3 * 1e6 + $4 * 1e6 }' <(children))
    echo $((after - before))
}
