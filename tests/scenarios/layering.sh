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

# The one-pass decoder is compared with the generated one.
outside=$(grep -rlE --include='*.[ch]' 'include[[:space:]]+["<][^">]*\.pb-c\.h[">]' proto agent collector tests | grep -v -e '_pb\.[ch]$' -e '/test_unpack\.c$' || true)
[ -z "$outside" ] || fail "generated headers are included outside *_pb.[ch]: $outside"
ok "only *_pb.[ch] include .pb-c.h"

none "calls that know no bounds or run a shell" \
    '(^|[^_[:alnum:]])(sprintf|vsprintf|strcpy|strcat|gets|strtok|alloca|system|popen)[[:space:]]*\(' proto agent collector tests

# Nothing blocks the loop. What may block: programs that answer one command and have no loop, and what runs before there is one.
may_block="collector/store/(db|cluster|migrate|roles|command)\.[ch]"
blocking='(^|[^_[:alnum:]])(sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep|poll|ppoll|select|pselect|wait|waitpid'
blocking+='|getaddrinfo|getnameinfo|gethostby[a-z0-9_]+|res_n?(query|search)|PQexec[A-Za-z]*|PQconnectdb[A-Za-z]*|PQsetdb[A-Za-z]*'
blocking+='|PQprepare|PQdescribe[A-Za-z]*|PQreset|PQping[A-Za-z]*|PQfn|uv_sleep|uv_thread_join|command_run)[[:space:]]*\('

# Prints FILE:LINE:TEXT of a file but for the bodies of functions that a loop hands to a worker thread.
off_worker() { # FILE
    local workers
    workers=$(grep -oE 'uv_queue_work\([^,]*,[^,]*,[[:space:]]*[a-z_]+' "$1" | grep -oE '[a-z_]+$' | paste -sd'|')
    awk -v file="$1" -v start="^(static )?void (${workers:-:})\\\\(" \
        '$0 ~ start { worker = 1 } !worker { print file ":" FNR ":" $0 } /^}/ { worker = 0 }' "$1"
}

on_loop() { # FOLDER OR FILE...: the sources that run on an event loop
    find "$@" -name '*.[ch]' | sort | grep -vE "^($may_block)$"
}

all=$(on_loop agent proto collector)
# probe joins its workers: once, below the line that runs the loop of its own thread to its end. No loop is left then that could be
# blocked, and no thread may be left behind.
joins='^agent/cmd_probe\.c:[0-9]+:.*uv_thread_join'
awk '/^static void work_all\(/ { here = 1 } here && /^    work\(first\);/ { ended = 1 }
    /uv_thread_join/ { joins++; good += here && ended } /^}/ { here = ended = 0 }
    END { exit !(joins == 1 && good == 1) }' agent/cmd_probe.c || fail "agent/cmd_probe.c joins threads other than after its loop"
ok "probe joins its workers when its own loop has ended"
found=$(for file in $all; do off_worker "$file"; done | grep -E -- "$blocking" | grep -vE -- "$joins" || true)
[ -z "$found" ] || fail "calls that block a loop:
$found"
grep -qE -- "$blocking" collector/store/pg_connect.c || fail "no blocking call found at all: the pattern is wrong"
ok "calls that block a loop: none outside $may_block and worker threads' functions ($(wc -w <<<"$all") files read)"

# Without a callback libuv's own waits; only enroll, which has nothing else to do, may.
found=$(grep -nE 'uv_(getaddrinfo|getnameinfo)\([^,]*,[^,]*,[[:space:]]*NULL' $all | grep -v '^agent/duty/enrol\.c:' || true)
[ -z "$found" ] || fail "a name is resolved without a callback: $found"
ok "no name is resolved without a callback"

none "the loop's side of the collector uses the database of one-shot commands" "$(of 'store/(db|cluster|migrate)\.h')" \
    collector/serve.c collector/ingest collector/plan collector/store/pg.c collector/store/pg_connect.c
