#!/bin/bash
# The causes that need a path of their own (network namespaces, a wire, firewalls): sections tcp, hello, capacity and local of
# causes.sh. As root only; REPEAT and ONLY as there.
set -euo pipefail
run=(bash "$(dirname "$0")/causes.sh" tcp hello capacity local)

# ip-netns(8) remounts /, which has to be a mount for that; in a chroot it is none, until it is bound onto itself.
if [ "$(id -u)" != 0 ] || mountpoint -q /; then
    exec "${run[@]}"
fi
root=$(mktemp -d)
trap 'umount -l "$root" 2>/dev/null || true; rmdir "$root"' EXIT
unshare --mount --propagation unchanged bash -c 'mount --rbind / "$1" && cd "$1" && exec chroot . "${@:2}"' rooted "$root" "${run[@]}"
