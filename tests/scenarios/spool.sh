#!/bin/bash
# Results that wait: what can be seen of them, what happens when there is no room, and taking them to the collector by hand. Files that
# are not what a vantage wrote are refused with one line, and nothing of them is stored.
. "$(dirname "$0")/lib.sh"

spool() { "$agent_program" spool "$@"; }
import() { "$collector_program" import "$@" --state "$state"; }
attempts() { sql "SELECT count(*) FROM attempt a JOIN vantage v ON v.id = a.vantage_id WHERE v.name = '$1'"; }
dropped() { sql "SELECT coalesce(sum(count), 0) FROM dropped d JOIN vantage v ON v.id = d.vantage_id WHERE v.name = '$1'"; }
doubled() { sql "SELECT count(*) FROM (SELECT 1 FROM attempt GROUP BY vantage_id, sequence HAVING count(*) > 1) AS d"; }
# status_of NAME FILTER: of the spool of an agent
status_of() { spool status --state "agents/$1" --format json | jq -r "$2"; }
collector_gone() { stop "$collector_pid"; }

"$lab" up "$work/lab"
. "$work/lab/lab.env"
export SSL_CERT_FILE=$lab_ca
start_collector
expect_exit 0 "$collector_program" site add blog --plain "www.blog.example:${lab_blog##*:}@${lab_blog%:*}" --interval 1s --state "$state"
expect_exit 0 "$collector_program" site add shop --plain "$lab_shop_origin" --interval 1s --state "$state"
enroll hk-1 hk 9304
refused 3 'agents/hk-1: no spool in it' spool status --state agents/hk-1

say "--- an agent that has results and no collector"
start_agent hk-1
hk_pid=$agent_pid
wait_for 60 "attempts of hk-1" at_least 4 attempts hk-1
equal "the epoch, seen twice" "$(status_of hk-1 .epoch)" "$(status_of hk-1 .epoch)"
collector_gone
waits() { at_least "$2" status_of "$1" .waiting; }
wait_for 30 "results that wait" waits hk-1 6 # the rounds that were pushed are made meanwhile
expect_exit 0 spool status --state agents/hk-1
expect_output "^[0-9]+ results wait for the collector$"
expect_output "oldest +20..-.*sequence"
expect_output "of 256 MiB in use"
ok "while the agent runs: $(head -1 <<<"$out")"

say "--- exporting while it runs, importing, and delivering the same"
expect_exit 0 spool export --state agents/hk-1 --out carried.ndjson
expect_error "^[0-9]+ results and [0-9]+ certificates exported"
equal "mode of the file" "$(stat -c %a carried.ndjson)" 600
equal "nothing half done" "$(ls carried.ndjson*)" carried.ndjson
equal "kinds of lines" "$(jq -r .kind carried.ndjson | sort -u | paste -sd' ')" "attempt certificate end parallax-spool report"
records=$(jq -c 'select(.record)' carried.ndjson | wc -l)
equal "records of the end line" "$(tail -1 carried.ndjson | jq .records)" "$records"
expect_exit 0 spool export --state agents/hk-1
[ "$(jq -r .kind <<<"$out" | tail -1)" = end ] || fail "no end line on stdout"
expect_exit 3 spool export --state agents/hk-1 --out no/such/folder/file
expect_error "no/such/folder/file"

# What was stored, and not acknowledged before the collector went, is there already.
expect_exit 0 import carried.ndjson
ok "$(head -1 <<<"$out")"
[[ $out =~ ^([0-9]+)\ new:\ ([0-9]+)\ attempts\ and\ ([0-9]+)\ reports\ of\ vantage\ hk-1 ]] || fail "not the first line: $out"
new=${BASH_REMATCH[1]} old=$(grep -oP '^[0-9]+(?= were there before)' <<<"$out" || echo 0)
equal "new, and there before" $((new + old)) "$records"
[ "$new" -gt 0 ] || fail "nothing was new, so this proves nothing"
expect_exit 0 import carried.ndjson
expect_output "^0 new: 0 attempts and 0 reports of vantage hk-1$"
expect_output "^$records were there before$"
expect_exit 0 bash -c "'$collector_program' import - --state '$state' <carried.ndjson"
expect_output "^0 new: "
ok "imported again, from a pipe too: $(head -1 <<<"$out")"

start_collector
nothing_waits() { [ "$(status_of "$1" .waiting)" = 0 ]; }
before=$(attempts hk-1)
wait_for 60 "the agent to go on" at_least $((before + 4)) attempts hk-1
stop "$hk_pid"
start_agent hk-1
hk_pid=$agent_pid
wait_for 30 "more" at_least $((before + 8)) attempts hk-1
equal "sequences stored twice" "$(doubled)" 0
equal "certificates without their bytes" "$(sql "SELECT count(*) FROM certificate WHERE der IS NULL")" 0

say "--- a race: the file is imported while the agent delivers"
for again in 1 2 3; do
    spool export --state agents/hk-1 --out race.ndjson 2>logs/export
    expect_exit 0 import race.ndjson
done
sleep 1
equal "sequences stored twice" "$(doubled)" 0

say "--- files that are not what the vantage wrote"
collector_gone
sleep 2
stop "$hk_pid"
spool export --state agents/hk-1 --out good.ndjson 2>logs/export
[ "$(wc -l <good.ndjson)" -gt 4 ] || fail "too few lines, so this proves nothing"
end=$(wc -l <good.ndjson)
head -c -20 good.ndjson >cut_line.ndjson
head -n -1 good.ndjson >cut.ndjson
sed '3d' good.ndjson >split.ndjson
sed '2{p;}' good.ndjson >twice.ndjson
sed 's/"start":"20/"start":"19/' good.ndjson >edited.ndjson
sed '1s/"schema":1/"schema":7/' good.ndjson >version.ndjson
sed '1s/"vantage":"hk-1"/"vantage":"hk-2"/' good.ndjson >renamed.ndjson
sed '$s/"records":[0-9]*/"records":1/' good.ndjson >counted.ndjson
sed '3s/^{/{"x":"\xff",/' good.ndjson >latin.ndjson
{ head -2 good.ndjson; head -c 9000000 /dev/zero | tr '\0' x; echo; } >huge.ndjson
{ cat good.ndjson; head -2 good.ndjson | tail -1; } >longer.ndjson
sed '2s/"record":"..../"record":"!!!!/' good.ndjson >no_base64.ndjson
sed '2s/"record":"[^"]*"/"record":"AAAA"/' good.ndjson >no_record.ndjson
printf '{"kind":"parallax-export","schema":1}\n' >other.ndjson
: >empty.ndjson
signature=$(tail -1 good.ndjson | jq -r .signature)
sed "\$s|$signature|$(tail -1 carried.ndjson | jq -r .signature)|" good.ndjson >signed.ndjson
refused 3 "cut_line\.ndjson:$end: .*not whole" import cut_line.ndjson
refused 3 "cut\.ndjson:$end: .*not whole" import cut.ndjson
refused 3 'split\.ndjson:[0-9]+: .*(counts|SHA-256)' import split.ndjson
refused 3 'twice\.ndjson:3: sequence: expected one above' import twice.ndjson
refused 3 "edited\.ndjson:$end: .*SHA-256" import edited.ndjson
refused 3 'version\.ndjson:1: the schema is 7; this program reads schema 1' import version.ndjson
refused 3 'renamed\.ndjson:1: certificate: expected one that names the vantage' import renamed.ndjson
refused 3 'counted\.ndjson:[0-9]+: .*expected what this line counts' import counted.ndjson
refused 3 'latin\.ndjson:3: no JSON' import latin.ndjson
refused 3 'huge\.ndjson:3: the line is longer than 8388608 bytes' import huge.ndjson
refused 3 "longer\.ndjson:$((end + 1)): expected nothing after" import longer.ndjson
refused 3 'no_base64\.ndjson:2: record: expected base64' import no_base64.ndjson
refused 3 'no_record\.ndjson:2: record: ' import no_record.ndjson
refused 3 'other\.ndjson:1: expected the first line.*parallax-spool' import other.ndjson
refused 3 'empty\.ndjson:1: the file is empty' import empty.ndjson
refused 3 "signed\.ndjson:$end: signature: expected one by the key" import signed.ndjson
refused 3 'nowhere\.ndjson: No such file' import nowhere.ndjson
refused 3 '/dev/zero: not a file' import /dev/zero

say "--- a file of somebody else's"
other_state=$work/other
other_port=$(free_port)
start other "$collector_program" serve --state "$other_state" --listen "127.0.0.1:$other_port"
other_pid=$started
wait_for 60 "the other collector" listening "$other_port"
refused 3 'good\.ndjson:1: certificate: expected one that this collector.s authority has issued' \
    "$collector_program" import good.ndjson --state "$other_state"
stop "$other_pid"
start_collector
wanted=$(jq -r 'select(.kind == "attempt") | .sequence' good.ndjson | paste -sd,)
[ -n "$wanted" ] || fail "no attempts in the file, so this proves nothing"
equal "attempts of the refused files in the database" "$(sql "SELECT count(*) FROM attempt WHERE sequence IN ($wanted)")" 0
"$collector_program" vantage revoke hk-1 --state "$state" >logs/revoke
refused 3 'good\.ndjson: vantage hk-1 was revoked on 20' import good.ndjson
equal "attempts of the refused files in the database" "$(sql "SELECT count(*) FROM attempt WHERE sequence IN ($wanted)")" 0
sql "UPDATE vantage SET revoked_at = NULL WHERE name = 'hk-1'"
cp good.ndjson first.ndjson
expect_exit 0 import first.ndjson
expect_output "^[1-9][0-9]* new: "
ok "what they were made from is taken: $(head -1 <<<"$out")"
equal "its attempts in the database" "$(sql "SELECT count(*) FROM attempt WHERE sequence IN ($wanted)")" "$(tr ',' '\n' <<<"$wanted" | wc -l)"
sql "UPDATE vantage SET certificate_sha256 = '\\x00' || substring(certificate_sha256 FROM 2) WHERE name = 'hk-1'"
refused 3 'good\.ndjson: its certificate is not the one in force for vantage hk-1' import good.ndjson
