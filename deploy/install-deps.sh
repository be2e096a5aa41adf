#!/bin/bash
# Installs the Debian 12 packages that Parallax needs, and only those that are missing.
#   deploy/install-deps.sh [--build] [--run] [--test] [--bench]     default: --build
# --build compiles the programs, --run is for a collector and the lab on this machine, --test is for tests/run.sh,
# --bench for what tests/bench measures, and compares with.
set -euo pipefail

build=(gcc libc6-dev cmake ninja-build pkg-config protobuf-c-compiler gettext
    libuv1-dev libssl-dev libprotobuf-c-dev libc-ares-dev liblmdb-dev libmaxminddb-dev libjansson-dev libyaml-dev
    libidn2-dev libpq-dev libcsv-dev libmicrohttpd-dev libcurl4-openssl-dev libzstd-dev libcmocka-dev)
run=(postgresql openssl nginx ca-certificates procps)
test=("${run[@]}" clang clang-format clang-tidy libclang-rt-14-dev curl faketime jq binutils mandoc time libmaxmind-db-writer-perl
    haproxy gnutls-bin stunnel4 nftables iproute2 dnsmasq-base unbound prometheus prometheus-alertmanager
    chromium systemd)
# Debian's npm cannot be installed beside a Node.js from elsewhere that brings its own: whatever npm works is good enough.
command -v npm >/dev/null && command -v node >/dev/null || test+=(nodejs npm)

wanted=()
[ $# -gt 0 ] || set -- --build
for set in "$@"; do
    case $set in
        --build) wanted+=("${build[@]}") ;;
        --run) wanted+=("${run[@]}") ;;
        --test) wanted+=("${test[@]}") ;;
        --bench) wanted+=("${run[@]}" golang-go iproute2 perl time) ;;
        --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
        *) echo "install-deps.sh: unknown option $set (--build, --run, --test or --bench)" >&2; exit 2 ;;
    esac
done

missing=()
for package in $(printf '%s\n' "${wanted[@]}" | sort -u); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "install-deps.sh: these packages are missing, and this user is neither root nor has sudo: ${missing[*]}" >&2
        exit 3
    }
    as_root=(sudo)
fi

# Packages of servers start them at once, and PostgreSQL's makes a cluster: this machine's services are not ours to add to.
# Both are held back for the length of the installation, by the means Debian has for it.
hold_policy=/usr/sbin/policy-rc.d
hold_cluster=/etc/postgresql-common/createcluster.d/parallax-install.conf
held=()
release() { [ ${#held[@]} -eq 0 ] || "${as_root[@]}" rm -f "${held[@]}"; }
trap release EXIT
hold() { # FILE MODE CONTENT
    [ ! -e "$1" ] || return 0
    held+=("$1")
    "${as_root[@]}" mkdir -p "$(dirname "$1")"
    printf '%s\n' "$3" | "${as_root[@]}" tee "$1" >/dev/null
    "${as_root[@]}" chmod "$2" "$1"
}

services=()
for package in nginx postgresql haproxy stunnel4 unbound prometheus prometheus-alertmanager; do
    [[ " ${missing[*]} " != *" $package "* ]] || services+=("$package")
done
if [ ${#services[@]} -gt 0 ]; then
    hold "$hold_policy" 755 $'#!/bin/sh\nexit 101'
    hold "$hold_cluster" 644 'create_main_cluster = false'
fi

echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'release; rm -f "$log"' EXIT
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1; }
if ! { apt update && apt install --no-install-recommends "${missing[@]}"; }; then
    echo "install-deps.sh: apt-get failed; its last lines:" >&2
    tail -8 "$log" >&2
    exit 3
fi
for service in ${services[@]+"${services[@]}"}; do
    ! command -v systemctl >/dev/null || "${as_root[@]}" systemctl disable -q "$service" 2>/dev/null || true
done
