#!/bin/bash
# watch: on a terminal it draws in place, follows changes and the terminal's size, and leaves the terminal as it was; in a pipe it
# prints one line for each change.
. "$(dirname "$0")/lib.sh"

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
start_collector --metrics off
for n in {1..6}; do
    expect_exit 0 "$collector_program" site add "site$n" --plain "www.blog.example:${lab_blog##*:}@${lab_blog%:*}" --interval 1s --state "$state"
done
enroll hk-1 hk 64500
start_agent hk-1
wait_for 60 "three rounds" at_least 3 full_rounds 1 6

event() { sql "INSERT INTO incident_event (incident_id, at, round_id, change, confidence, detail) VALUES ($1, now(), 1, $2, 0.9, '{}')"; }
open_incident() { # SITE: its id. One that the running judge does not know
    local id
    id=$(sql "INSERT INTO incident (key, kind, opened_at, updated_at, first_round, last_round, place, edge, pop, stage, class, raw_kind, raw, confidence, detail)
        VALUES ('$1', 1, now(), now(), 1, 1, 5, 'Fastly', E'H\x1b[31mKG', 4, 40, 0, 0, 0.97, '{}') RETURNING id")
    sql "INSERT INTO incident_endpoint SELECT $id, e.id FROM endpoint e JOIN site s ON s.id = e.site_id WHERE s.name = '$1'"
    event "$id" 1
    echo "$id"
}
close_incident() { sql "UPDATE incident SET closed_at = now() WHERE id = $1"; event "$1" 3; }
tell() { sql "NOTIFY parallax_judged, 'x'"; }

# --- in a pipe ---
start lines "$collector_program" watch --state "$state"
lines_pid=$started
start lines_site2 "$collector_program" watch --site site2 --state "$state"
wait_for 30 "all is well" grep -qx 'all is well' logs/lines
wait_for 30 "all is well" grep -qx 'all is well' logs/lines_site2
first=$(open_incident site1)
tell
wait_for 30 "a line" grep -q opened logs/lines
close_incident "$first"
tell
wait_for 30 "another line" grep -q closed logs/lines
grep -qE "^20[0-9T:-]+Z opened #$first Fastly H\\\\x1b\[31mKG -> www.blog.example:[0-9]+@[0-9.]+: reset after ClientHello \(0.97\)$" logs/lines || fail "not like that: $(cat logs/lines)"
equal "lines" "$(wc -l <logs/lines)" 3
equal "lines of another site" "$(wc -l <logs/lines_site2)" 1
! grep -q $'\e' logs/lines || fail "control sequences in a pipe"
stop "$lines_pid"
equal "a reader that has enough" "$("$collector_program" watch --state "$state" | head -1)" "all is well"
refused 3 'no site "nosuch"' "$collector_program" watch --site nosuch --state "$state"

# --- on a terminal, of 40 rows ---
mkfifo keys
export TERM=xterm
screen() { # NAME [ARGUMENTS...]: watch on a terminal of its own, with keys from the fifo
    local name=$1
    shift
    exec {keyboard}<>keys
    start "$name.script" script -qefc "stty rows 40 cols 130; before=\$(stty -g); '$collector_program' watch --state '$state' $*; echo \"exit \$?\"; [ \"\$before\" = \"\$(stty -g)\" ] && printf 'same %s\\n' terminal" "$work/$name"
    wait_for 30 "the first screen" test -s "$name"
}
shows() { grep -qaE -- "$2" "$1"; }
# What stands on the screen now: the last frame
frame() { tr -d '\r' <"$1" | awk 'BEGIN { RS = "\033\\[\\?2026h" } { last = $0 } END { print last }'; }
frame_shows() { frame "$1" >"$work/frame" && grep -qaE -- "$2" "$work/frame"; }
terminal_of() { # NAME: the terminal that watch runs on
    local pid
    for pid in /proc/[0-9]*; do
        if tr '\0' ' ' <"$pid/cmdline" | grep -q "^$collector_program watch --state $state"; then readlink "$pid/fd/1" | grep pts && return; fi
    done 2>/dev/null
}
# start gives a process /dev/null to read from; here it is the fifo
start() {
    local name=$1
    shift
    "$@" >>"$work/logs/$name" 2>&1 <"${keys_from:-/dev/null}" &
    started=$!
    pids+=("$started")
}
keys_from=keys screen live
live_pid=$started
wait_for 30 "all is well" frame_shows live 'all is well'
wait_for 30 "the matrix" frame_shows live 'hk-1'
shows live $'\e\\[\\?1049h' || fail "it does not take the other screen"
second=$(open_incident site3)
tell
wait_for 30 "the incident" frame_shows live '1 incident is open'
frame_shows live "#$second.*Fastly H.x1b.31mKG -> .*reset after ClientHello" || fail "the incident is not shown: $(frame live)"
tty=$(terminal_of live | head -1)
stty -F "$tty" rows 8 cols 60
wait_for 10 "a smaller screen" frame_shows live 'more lines'
lines=$(frame live | wc -l)
[ "$lines" -ge 4 ] && [ "$lines" -le 9 ] || fail "the frame has $lines lines on a terminal of 8"
stty -F "$tty" rows 50 cols 130
all_again() { ! frame_shows live 'more lines' && frame_shows live 'q ends'; }
wait_for 10 "the larger screen" all_again
close_incident "$second"
tell
wait_for 30 "its end" frame_shows live 'all is well'
! shows live $'\e\\[2J.*\e\\[2J' || fail "it clears the screen between frames, which flickers"
printf q >&$keyboard
wait_for 10 "the end" gone "$live_pid"
shows live 'exit 0' && shows live 'same terminal' || fail "the terminal is not as it was: $(tail -c 300 live | cat -v)"
shows live $'\e\\[\\?7h\e\\[\\?25h\e\\[\\?1049l' || fail "it does not give the screen back"
exec {keyboard}>&-
ok "it draws in place, follows size and changes, and ends with q"

keys_from=keys screen chinese --lang zh --site site2
wait_for 30 "Chinese" frame_shows chinese '一切正常'
printf '\003' >&$keyboard
wait_for 10 "the end" gone "$started"
shows chinese 'same terminal' || fail "Ctrl-C does not leave the terminal as it was: $(tail -c 300 chinese | cat -v)"
exec {keyboard}>&-
ok "Ctrl-C ends it as well"
