#!/bin/bash
# What hostile agents and strangers get from a collector: each loses its connection with a reason, in its goodbye where it can hear one,
# in the log and in /metrics; what they claim is not in the database; and an honest agent notices nothing of it.
. "$(dirname "$0")/lib.sh"
liar=$build_dir/lab/lab-liar

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
metrics_port=$(free_port)
start_collector --metrics "127.0.0.1:$metrics_port"
expect_exit 0 "$collector_program" site add blog --plain "www.blog.example:${lab_blog##*:}@${lab_blog%:*}" --interval 1s --state "$state"
for name in honest liar-1 liar-2; do enroll "$name" hk 64500; done
start_agent honest
wait_for 60 "a round" at_least 1 full_rounds 1 1

get() { curl -sS --max-time 10 "http://127.0.0.1:$metrics_port/metrics"; }
# counted SERIES: its value, 0 when there is none
counted() { get | awk -v name="$1" '$1 == name { value = $2 } END { print value + 0 }'; }
refused_peers() { counted "parallax_peers_refused_total{reason=\"$1\"}"; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$collector_pid/status"; }
logged() { grep -cE -- "$1" "$work/logs/collector" || true; }

# lie NAME REASON ANSWER LOG [STATE]: one lie, how it has to end, and that it is counted and logged
lie() {
    local name=$1 reason=$2 answer=$3 pattern=$4 before_count before_lines
    before_count=$(refused_peers "$reason") before_lines=$(logged "$pattern")
    run timeout 100 "$liar" "$collector_port" "$name" ${5:+"$work/agents/$5"}
    [ "$status" = 0 ] || { show_run; fail "lab-liar $name"; }
    expect_output "$answer"
    wait_for 10 "a count of $name as $reason" counted_more "$reason" "$before_count"
    wait_for 10 "a line of the log about $name" logged_more "$pattern" "$before_lines"
    ok "$name: $out"
}
counted_more() { [ "$(refused_peers "$1")" -gt "$2" ]; }
logged_more() { [ "$(logged "$1")" -gt "$2" ]; }

# --- slow ones, all at once, while the others come and go -----------------------------------------------------------------------------
for name in silent mute drip; do start "slow.$name" timeout 100 "$liar" "$collector_port" $name; done
start slow.half timeout 100 "$liar" "$collector_port" half "$work/agents/liar-2"
slow=$started
began=$SECONDS
before_kb=$(rss_kb)

# --- before TLS, and without a name ---------------------------------------------------------------------------------------------------
lie garbage tls '^(closed|reset)$' 'session 127.0.0.1: .*TLS'
lie http tls '^(closed|reset)$' 'session 127.0.0.1: TLS: http request'
lie tls12 tls '^no TLS$' 'session 127.0.0.1: TLS: unsupported protocol'
lie forged tls '^(closed|reset|no TLS)$' 'session 127.0.0.1: the peer.s certificate does not verify' liar-1
lie key-updates tls '^(closed|reset)$' 'session 127.0.0.1: more than 32 TLS key updates'
lie huge frame '^goodbye protocol: a frame is larger than allowed$' 'session 127.0.0.1: a frame is larger'
lie large frame '^goodbye protocol: a frame is larger than allowed$' 'session 127.0.0.1: a frame is larger'
lie nonsense frame '^goodbye protocol: ' 'session 127.0.0.1: .*message'
lie unknown frame '^goodbye protocol: ' 'session 127.0.0.1: .*message'
lie early protocol '^goodbye protocol: a message before its time \(batch\)$' 'session 127.0.0.1: refused: a message before its time'
lie hello protocol '^goodbye protocol: Hello without a certificate' 'session 127.0.0.1: refused: Hello without'
for try in {1..10}; do
    lie token token '^goodbye token: ' 'enrolment from 127.0.0.1 refused: '
done >/dev/null
lie token token-limit '^goodbye other: too many wrong tokens' 'enrolment from 127.0.0.1 refused: too many wrong tokens'

# --- with the identity of a vantage ------------------------------------------------------------------------------------------------------
as_liar() { lie "$1" protocol "^goodbye protocol: $2" "session liar-1: refused: $2" liar-1; }
as_liar early 'a message before its time'
as_liar second-hello 'a second Hello'
as_liar welcome 'a message that only a collector sends'
as_liar certificates 'a certificate that was not asked for'
lie descending frame '^goodbye protocol: sequences of a batch do not ascend' 'session liar-1: sequences of a batch' liar-1
as_liar repeated 'a batch whose sequences do not ascend' # what was sent before it, a fifth sequence, was true
as_liar epoch 'a batch whose sequences are of an epoch'
for packed in packed packed-bomb packed-again packed-shapes packed-lost; do
    lie $packed frame '^goodbye protocol: a packed message that cannot be unpacked$' 'session liar-1: a packed message that cannot be unpacked' liar-1
done
for flood in lists pings; do
    lie $flood protocol '^(goodbye protocol: more pings|closed|reset)' 'session liar-1: refused: more pings' liar-1
done
lie deaf protocol '^closed$' 'session liar-1: refused: more pings' liar-1

# as_record NAME REASON TEXT
as_record() {
    local before
    before=$(counted "parallax_records_refused_total{vantage=\"liar-1\",reason=\"$2\"}")
    as_liar "$1" "record [0-9]+ cannot be true: $3"
    equal "records of liar-1 refused as $2" "$(counted "parallax_records_refused_total{vantage=\"liar-1\",reason=\"$2\"}")" $((before + 1))
    equal "the same in the database" "$(sql "SELECT count FROM refused_record r JOIN vantage v ON v.id = r.vantage_id
        WHERE v.name = 'liar-1' AND reason = '$2'")" $((before + 1))
}
as_record no-round no-round 'it belongs to no round'
as_record round unknown-round 'there is no such round'
as_record endpoint endpoint 'its endpoint is not of its round'
as_record future future 'it starts in the future'
as_record past before-round 'it starts before its round'
as_record clock clock 'it does not know its time'
equal "rows of liar-1" "$(sql "SELECT count(*) FROM attempt a JOIN vantage v ON v.id = a.vantage_id 
    WHERE v.name <> 'honest' AND sequence % 64 <> 5")" 0
as_record mixed endpoint 'its endpoint is not of its round'
equal "what was true of a batch is stored" "$(sql "SELECT count(*) FROM attempt a JOIN vantage v ON v.id = a.vantage_id 
    WHERE v.name = 'liar-1' AND sequence % 64 <> 5")" 2

wait_for 15 "a line about silent" at_least 1 logged 'session 127.0.0.1: no TLS handshake in time'

# --- crowds --------------------------------------------------------------------------------------------------------------------------------
# crowd COUNT: $in of them completed a handshake; they are held until let_go
crowd() {
    mkfifo "$work/hold.$1"
    "$liar" "$collector_port" crowd "$1" <"$work/hold.$1" >"$work/crowd.$1" 2>&1 &
    pids+=("$!")
    crowd_pid=$!
    exec {hold}>"$work/hold.$1"
    wait_for 60 "a crowd of $1" test -s "$work/crowd.$1"
    in=$(<"$work/crowd.$1")
}
let_go() {
    exec {hold}>&-
    wait "$crowd_pid" || true
}
before=$(refused_peers address-limit)
crowd 100
[ "$in" -le 64 ] && [ "$in" -ge 50 ] || fail "$in of 100 strangers of one address came in"
at_least $((before + 36)) refused_peers address-limit || fail "the others are not counted"
let_go
ok "of 100 strangers of one address $in come in, the others are counted"
wait_for 20 "the strangers to be gone" at_least 1 logged 'connection from 127.0.1.2: refused: address-limit'
sleep 1
empty_kb=$(rss_kb)
crowd 500
full_kb=$(rss_kb)
[ "$in" -ge 490 ] || fail "only $in of 500 strangers came in"
say "memory of a connection without a name: $(((full_kb - empty_kb) * 1024 / in)) bytes ($in of them)"
let_go

# --- the slow ones are gone, and why -----------------------------------------------------------------------------------------------------
wait_for 80 "the slowest to be cut" gone "$slow"
say "half a frame was waited for $((SECONDS - began)) s at most"
equal "mute" "$(<logs/slow.mute)" "goodbye protocol: the first message did not come in time"
equal "drip" "$(<logs/slow.drip)" "goodbye protocol: the first message did not come in time"
equal "half" "$(<logs/slow.half)" "goodbye protocol: a frame was begun and not ended in time"
at_least 3 refused_peers slow || fail "they are not counted as slow"
at_least 1 refused_peers timeout || fail "silent is not counted as timeout"
at_least 1 logged 'more lines about connections without a name were left out' || fail "the log does not say what it left out"

# --- nobody else noticed -------------------------------------------------------------------------------------------------------------------
rounds=$(full_rounds 1 1)
wait_for 20 "rounds of the honest agent to go on" at_least $((rounds + 2)) full_rounds 1 1
stop "$agent_pid"
sleep 1
equal "sessions of the honest agent" "$(logged 'session honest: open')" 1
equal "rounds that the honest agent missed" "$(sql "SELECT count(*) FROM round r WHERE interval_s > 0 AND deadline_at < now()
    AND r.id > (SELECT min(round_id) FROM attempt) AND r.id < (SELECT max(round_id) FROM attempt)
    AND NOT EXISTS (SELECT FROM attempt a JOIN vantage v ON v.id = a.vantage_id WHERE a.round_id = r.id AND v.name = 'honest')")" 0
equal "attempts twice" "$(sql "SELECT count(*) - count(DISTINCT (vantage_id, sequence)) FROM attempt")" 0
! grep -q $'\x1b' logs/collector || fail "an escape reached the log raw"
say "resident memory: $before_kb KiB before, $(rss_kb) KiB after"
growth_kb=65536
! grep -q __asan_init "$collector_program" || growth_kb=393216 # red zones, and what was freed is kept
[ $(($(rss_kb) - before_kb)) -le $growth_kb ] || fail "the collector grew by more than $growth_kb KiB"
lines=$(wc -l <logs/collector)
say "lines in the log: $lines"
