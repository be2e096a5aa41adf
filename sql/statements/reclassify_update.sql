-- params: bigint[], timestamptz[], integer[], bigint[], smallint[], smallint[], smallint[], integer[], smallint
-- New outcomes for attempts named by $1 endpoint, $2 start, $3 vantage and $4 sequence; $9 the rules that judged.
UPDATE attempt AS a
SET rules = $9, stage = judged.stage, class = judged.class, raw_kind = judged.raw_kind, raw = judged.raw
FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
     AS judged (endpoint_id, start_at, vantage_id, sequence, stage, class, raw_kind, raw)
WHERE a.endpoint_id = judged.endpoint_id
  AND a.start_at = judged.start_at
  AND a.vantage_id = judged.vantage_id
  AND a.sequence = judged.sequence
