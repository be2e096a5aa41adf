#!/bin/bash
# What agents really saw goes out to a file, through a replay, and out again as the same lines, with every outcome judged alike.
. "$(dirname "$0")/lib.sh"

record_lab

expect_exit 0 "$collector_program" export --state "$state" --output live.ndjson
say "$err"
equal "attempts exported" "$(jq -r 'select(.kind == "attempt") | 1' live.ndjson | wc -l)" "$(sql "SELECT count(*) FROM attempt")"
equal "certificates exported" "$(jq -r 'select(.kind == "certificate" and .der) | 1' live.ndjson | wc -l)" \
    "$(sql "SELECT count(*) FROM certificate WHERE der IS NOT NULL")"
[ "$(jq -r 'select(.kind == "certificate" and .der) | 1' live.ndjson | wc -l)" -gt 0 ] || fail "no certificate was seen at all"

status=0
"$collector_program" replay --format json --keep "$work/kept" live.ndjson >replayed.json 2>err || status=$?
[ "$status" = 1 ] || { cat err >&2; fail "the lab is not well, and replay ends with $status"; }
! grep -q warning err || { cat err >&2; fail "an export is read with complaints"; }
expect_exit 0 "$collector_program" export --state "$work/kept" --output again.ndjson
diff <(head -c 2000000 live.ndjson) <(head -c 2000000 again.ndjson) | head -c 2000 >&2 || true
cmp live.ndjson again.ndjson || fail "export, replay, export: other lines"
ok "export, replay, export: $(wc -l <again.ndjson) lines are the same"
equal "outcomes" "$(jq -r 'select(.kind == "attempt") | .outcome.class' again.ndjson | sort | uniq -c | awk '{ print $2 "=" $1 }' | paste -sd' ')" \
    "$(jq -r 'select(.kind == "attempt") | .outcome.class' live.ndjson | sort | uniq -c | awk '{ print $2 "=" $1 }' | paste -sd' ')"
[ "$(jq -r 'select(.kind == "attempt") | .outcome.class' live.ndjson | sort -u | wc -l)" -ge 4 ] || fail "the lab shows less than four outcomes"
