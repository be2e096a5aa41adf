#!/bin/bash
# Stored attempts are judged again from their evidence: what an older rule got wrong changes, and nothing else does.
. "$(dirname "$0")/lib.sh"

record_lab

total() { sql "SELECT count(*) FROM attempt"; }
outcomes() { sql "SELECT string_agg(class || '/' || stage || '/' || raw_kind || '/' || raw || '=' || n, ' ' ORDER BY class, raw)
                  FROM (SELECT class, stage, raw_kind, raw, count(*) AS n FROM attempt GROUP BY 1, 2, 3, 4) AS o"; }
# Several batches of them
sql 'CREATE TEMP TABLE copy AS SELECT * FROM attempt;
     DO $$ BEGIN FOR i IN 1..40 LOOP UPDATE copy SET sequence = sequence + 100000000; INSERT INTO attempt SELECT * FROM copy; END LOOP; END $$'
[ "$(total)" -gt 1000 ] || fail "only $(total) attempts"
before=$(outcomes)
reclassify() { expect_exit 0 "$collector_program" reclassify --state "$state" "$@"; }

reclassify
expect_output "^0 of $(total) attempts changed by rules [0-9]+\.$"
equal "outcomes after judging again what these rules judged" "$(outcomes)" "$before"

# As if an older rule had called resets closed, and every expired certificate by a class that is not known any more
resets=$(sql "WITH u AS (UPDATE attempt SET class = 41, rules = 0, raw_kind = 0, raw = 0 WHERE class = 40 RETURNING 1) SELECT count(*) FROM u")
expired=$(sql "WITH u AS (UPDATE attempt SET class = 999, stage = 9, rules = 0 WHERE class = 60 RETURNING 1) SELECT count(*) FROM u")
[ "$resets" -gt 0 ] && [ "$expired" -gt 0 ] || fail "the lab gave no resets or no expired certificates"
wrong=$(outcomes)

reclassify --dry-run
expect_output "^$((resets + expired)) of $(total) attempts would change"
equal "outcomes after a dry run" "$(outcomes)" "$wrong"

reclassify --since 2099-01-01T00:00:00Z
expect_output "^0 of 0 attempts changed"
equal "outcomes after judging the future" "$(outcomes)" "$wrong"

# One attempt of which the evidence is gone stays as it is.
sql "UPDATE attempt SET evidence = '\\x0affff' WHERE (endpoint_id, sequence) IN (SELECT endpoint_id, sequence FROM attempt WHERE class = 0 LIMIT 1)"
reclassify --since 1h
say "$out"
expect_output "^$((resets + expired)) of $(total) attempts changed by rules [0-9]+\.$"
expect_output "^1 hold evidence that cannot be read"
expect_output "hello.closed +hello.reset +$resets$"
expect_output "999 +cert.expired +$expired$"
equal "outcomes after judging again" "$(outcomes)" "$before"
equal "attempts that older rules judged" "$(sql "SELECT count(*) FROM attempt WHERE rules = 0")" 0

refused 2 'bad time "yesterday"' "$collector_program" reclassify --state "$state" --since yesterday
