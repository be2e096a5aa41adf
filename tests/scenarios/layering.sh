#!/bin/bash
# Dependencies point one way: proto/words <- proto/link, proto/cli <- agent, collector.
. "$(dirname "$0")/lib.sh"
cd "$source_dir"

# none WHAT REGEX FOLDER...: no source line in these folders matches
none() {
    local what=$1 pattern=$2 found
    shift 2
    found=$(grep -rnE --include='*.[ch]' -- "$pattern" "$@" || true)
    [ -z "$found" ] || fail "$what:
$found"
    ok "$what: none"
}

# The first folder of an #include "..." of a project file.
of() { echo "^[[:space:]]*#[[:space:]]*include[[:space:]]+[\"<]($1)[\">/]"; }

grep -rqE "$(of words)" agent collector || fail "no include of words/ found at all: the pattern is wrong"

none "the agent includes the collector" "$(of '(\.\./)*collector|store|ingest|plan|diff|report|libpq[^">]*|options\.h')" agent
none "the collector includes the agent" "$(of '(\.\./)*agent|probe|show|duty|hello')" collector
none "proto includes agent or collector" "$(of '(\.\./)*agent|(\.\./)*collector|probe|duty|store|ingest|diff|report')" proto
none "words includes link, cli/config or libuv" "$(of 'link|uv\.h|cli/config\.h')" proto/words
# Of calls only, not of texts and comments about them
code=$work/code
find proto/words -name '*.[ch]' | while read -r file; do
    mkdir -p "$code/$(dirname "$file")"
    sed 's/"[^"]*"//g; s|/\*.*\*/||' "$file" >"$code/$file"
done
cd "$code"
none "words does network or file I/O" \
    '^[[:space:]]*#[[:space:]]*include[[:space:]]+<(netdb|poll|sys/epoll|sys/select|fcntl|sys/un)\.h>|[^_a-z](socket|connect|accept|recv|send|fopen|open|poll|epoll_wait|select)\(' \
    proto/words
cd "$source_dir"

outside=$(grep -rlE --include='*.[ch]' 'include[[:space:]]+["<][^">]*\.pb-c\.h[">]' proto agent collector tests | grep -v '_pb\.[ch]$' || true)
[ -z "$outside" ] || fail "generated headers are included outside *_pb.[ch]: $outside"
ok "only *_pb.[ch] include .pb-c.h"
