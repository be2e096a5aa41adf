#!/bin/bash
# Stories told in files are understood as the live collector would; what is exported comes back the same; files that are wrong are
# refused whole, with the line; and nothing is left behind.
. "$(dirname "$0")/lib.sh"

cases=$source_dir/tests/cases
mkdir -p "$work/tmp"
export TMPDIR=$work/tmp
replay=("$collector_program" replay)
export_from() { expect_exit 0 "$collector_program" export --state "$1" --output "$2" "${@:3}"; }
nothing_left() {
    [ -z "$(ls "$TMPDIR")" ] || fail "left behind in the folder of temporary files: $(ls "$TMPDIR")"
    ! pgrep -f "$TMPDIR/parallax-replay" >/dev/null || fail "a scratch database still runs"
}

# --- the stories -------------------------------------------------------------------------------------------------------

for expect in "$cases"/*.expect; do
    story=$(basename "$expect" .expect)
    if [ -f "$cases/$story.ndjson" ]; then cp "$cases/$story.ndjson" .; else "$cases/make.sh" "$story" >"$story.ndjson"; fi
    run "${replay[@]}" --format json "$story.ndjson"
    [ "$status" -le 1 ] || { show_run; fail "$story: exit code $status"; }
    cp out "$story.json"
    count=0
    while IFS= read -r condition; do
        case $condition in '' | '#'*) continue ;; esac
        jq -e "$condition" "$story.json" >/dev/null ||
            { jq -c '.incidents[] | {key, place, outcome, cause, endpoints}' "$story.json" >&2; fail "$story: not so: $condition"; }
        count=$((count + 1))
    done <"$expect"
    ok "$story: $count conditions hold"
done
for story in $("$cases/make.sh" --list); do [ -f "$cases/$story.expect" ] || fail "nothing is expected of $story"; done
nothing_left

# --- as text, from a pipe, and for other verbs ---------------------------------------------------------------------------

status=0
"${replay[@]}" - <asn_block.ndjson >out 2>err || status=$?
[ "$status" = 1 ] || fail "a story with findings: exit code $status"
grep -q 'AS4837 (cn-3, cn-4)' out || { cat out >&2; fail "AS4837 is not blamed"; }
grep -qE '^910 attempts of 11 vantages on 5 endpoints replayed in ' err || { cat err >&2; fail "no word about what was replayed"; }
ok "a file from standard input is replayed"

"${replay[@]}" --keep "$work/kept" asn_block.ndjson >/dev/null 2>err || [ $? = 1 ]
grep -qF -- "--state $work/kept" err || { cat err >&2; fail "no word about how to ask the kept database"; }
expect_exit 1 "$collector_program" report diff --state "$work/kept" --since 2025-05-01T00:00:00Z --until 2025-07-01T00:00:00Z
expect_output 'AS4837 \(cn-3, cn-4\)'
refused 3 "kept: " "${replay[@]}" --keep "$work/kept" asn_block.ndjson
ok "a kept database answers the other verbs"

# --- out and in again gives the same lines -------------------------------------------------------------------------------

export_from "$work/kept" first.ndjson
[ ! -e first.ndjson.part ] || fail "the file under way is still there"
equal "attempts exported" "$(grep -c '"kind":"attempt"' first.ndjson)" 910
"${replay[@]}" --keep "$work/again" first.ndjson >/dev/null 2>err || [ $? = 1 ]
[ "$(wc -l <err)" = 2 ] || { cat err >&2; fail "an export is read with complaints"; }
export_from "$work/again" second.ndjson
cmp first.ndjson second.ndjson || fail "export, replay, export: other lines"
ok "export, replay, export: $(wc -l <second.ndjson) lines are the same"

run "${replay[@]}" --format json first.ndjson
diff <(jq -S '.incidents' out) <(jq -S '.incidents' asn_block.json) >&2 || fail "another order of lines, other incidents"
(head -1 first.ndjson && tail -n +2 first.ndjson | sort -r) >shuffled.ndjson
run "${replay[@]}" --format json shuffled.ndjson
diff <(jq -S '.incidents' out) <(jq -S '.incidents' asn_block.json) >&2 || fail "another order of lines, other incidents"
ok "the order of lines does not matter"

export_from "$work/kept" part.ndjson --site shop --since 2025-06-01T00:05:00Z --until 2025-06-01T00:06:00Z --region cn
equal "vantages of one region" "$(jq -r 'select(.kind == "vantage") | .region' part.ndjson | sort -u)" cn
equal "sites with the sentinels" "$(jq -r 'select(.kind == "site") | .name' part.ndjson | paste -sd' ')" "sentinels shop"
equal "rounds in a minute" "$(grep -c '"kind":"round"' part.ndjson)" 1
export_from "$work/kept" one.ndjson --round 3 --asn AS4134
equal "vantages of one ASN in one round" "$(jq -r 'select(.kind == "attempt") | .vantage' one.ndjson | sort -u | paste -sd' ')" "cn-1 cn-2"
export_from "$work/kept" nameless.ndjson --anonymise
! grep -qE '"(cn|hk|us)-[0-9]+"' <(jq -c 'select(.kind == "attempt") | .flow.source' nameless.ndjson) || fail "a source is left"
equal "names of an anonymous export" "$(jq -r 'select(.kind == "vantage" and .region == "eu") | .name' nameless.ndjson | paste -sd' ')" "eu-1 eu-2"
refused 3 'no site "shpo"' "$collector_program" export --state "$work/kept" --site shpo
refused 2 "until is not after" "$collector_program" export --state "$work/kept" --since 2025-06-02 --until 2025-06-01
ok "an export is cut by site, time, region, ASN and round"

# --- what was written elsewhere, and what is wrong ------------------------------------------------------------------------

head='{"kind":"parallax-export","schema":1}'
attempt='{"vantage":{"name":"a","region":"x"},"endpoint":{"host":"h.example"},"clock":{"start":"2025-06-01T10:00:00Z"}}'
wrong() { # REGEX LINE...: refused because of it
    local pattern=$1
    shift
    printf '%s\n' "$@" >wrong.ndjson
    refused 3 "$pattern" "${replay[@]}" wrong.ndjson
}
wrong 'wrong.ndjson:1: expected the first line' "$attempt"
wrong 'wrong.ndjson:1: schema 9 is of a newer program' '{"kind":"parallax-export","schema":9}'
wrong 'wrong.ndjson:2: no JSON at column' "$head" '{"kind":'
wrong 'wrong.ndjson:3: clock.connected_us: expected an integer from 0 to 3600000000, got the text "x"' "$head" "$attempt" \
    "${attempt/\"start\"/\"connected_us\":\"x\",\"start\"}"
wrong 'wrong.ndjson:2: clock.start: 2999-' "$head" "${attempt/2025/2999}"
wrong 'wrong.ndjson:2: clock.start: when the attempt started is missing' "$head" '{"vantage":{"name":"a","region":"x"},"endpoint":{"host":"h"}}'
wrong 'wrong.ndjson:2: vantage b: no line says' "$head" "${attempt/\{\"name\":\"a\",\"region\":\"x\"\}/\"b\"}"
wrong 'wrong.ndjson:2: endpoint 7: no line says' "$head" "${attempt/\{\"host\":\"h.example\"\}/7}"
wrong 'wrong.ndjson:3: vantage.region: expected what was said of it before' "$head" "$attempt" "${attempt/\"x\"/\"y\"}"
wrong 'wrong.ndjson:3: sequence: vantage a has another attempt 5, on line 2' "$head" "${attempt/\{/{\"sequence\":5,}" "${attempt/\{/{\"sequence\":5,}"
wrong 'wrong.ndjson:2: sha256: expected the hash of der' "$head" "{\"kind\":\"certificate\",\"sha256\":\"$(printf '%064d' 0)\",\"der\":\"AAAA\"}"
wrong 'wrong.ndjson: no line is an attempt' "$head"
wrong 'no JSON at column .*duplicate' "$head" '{"kind":"site","kind":"site"}'
wrong 'no JSON at column .*depth' "$head" "$(printf '[%.0s' {1..5000})"
wrong 'no JSON at column .*unable to decode byte' "$head" "$(printf '{"kind":"\377"}')"
(echo "$head" && head -c 5000000 /dev/zero | tr '\0' ' ') >wrong.ndjson
refused 3 'wrong.ndjson:2: the line is longer than 4194304 bytes' "${replay[@]}" wrong.ndjson
gzip -c asn_block.ndjson >wrong.ndjson
refused 3 'the file is packed; unpack it first: gzip -dc' "${replay[@]}" wrong.ndjson
: >wrong.ndjson
refused 3 'the file is empty' "${replay[@]}" wrong.ndjson
refused 3 'missing.ndjson: No such file' "${replay[@]}" missing.ndjson
(echo "$head" && seq 1 100001 | sed 's/.*/{"kind":"endpoint","id":&,"host":"h&.example"}/') >wrong.ndjson
refused 3 'wrong.ndjson:100002: more than 100000 endpoints' "${replay[@]}" wrong.ndjson
nothing_left

printf '%s\n' "$head" "$(sed 's/{/{"outcome":{"class":"hello.reset"},"colour":1,/' <<<"$attempt")" '{"kind":"note"}' >odd.ndjson
expect_exit 1 "${replay[@]}" odd.ndjson
expect_error '1 attempts are not what the file takes them for.*odd.ndjson:2 says hello.reset, its evidence dns.other'
expect_error '1 keys are not of this schema'
expect_error '1 lines are of kinds that are not'
ok "what is not of the schema is counted, and outcomes are not believed"

# --- interrupted -----------------------------------------------------------------------------------------------------------

"${replay[@]}" forty_one_asn.ndjson >out 2>err &
pid=$!
scratch_made() { [ -n "$(ls "$TMPDIR")" ]; }
wait_for 60 "the scratch folder" scratch_made
kill -INT "$pid"
status=0
wait "$pid" || status=$?
[ "$status" = 3 ] || { cat err >&2; fail "interrupted: exit code $status"; }
grep -q 'interrupted; nothing is left behind' err || { cat err >&2; fail "no word about the interruption"; }
nothing_left
ok "an interrupted replay leaves nothing behind"
