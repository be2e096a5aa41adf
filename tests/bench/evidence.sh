#!/usr/bin/env bash
# Handshakes with nginx, with evidence taken and without, by the same engine in one process (see evidence.c).
# Must hold: evidence costs no more than 15 % of the client's CPU time.
# Usage: tests/bench/evidence.sh [BUILD_DIR]      (a release build; default build/release)
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build_dir=${1:-${PARALLAX_BUILD_DIR:-$source_dir/build/release}}
bench=$build_dir/bench/bench-evidence
[ -x "$bench" ] || { echo "evidence: no $bench; build the release preset first" >&2; exit 3; }
command -v nginx >/dev/null || { echo "evidence: nginx is not installed" >&2; exit 3; }

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
error_log $scratch/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path $scratch/body; proxy_temp_path $scratch/proxy; fastcgi_temp_path $scratch/fastcgi;
    uwsgi_temp_path $scratch/uwsgi; scgi_temp_path $scratch/scgi;
    server {
        listen 127.0.0.1:$port ssl backlog=1024;
        ssl_certificate $scratch/pki/www.shop.example.chain.pem;
        ssl_certificate_key $scratch/pki/www.shop.example.key;
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
"$bench" 127.0.0.1 "$port" www.shop.example "$scratch/pki/root.pem"
