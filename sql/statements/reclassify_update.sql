-- params: bigint[], timestamptz[], integer[], bigint[], smallint[], smallint[], smallint[], integer[], smallint
-- New outcomes for attempts named by $1 endpoint, $2 start, $3 vantage and $4 sequence; $9 the rules that judged. They are to
-- be counted again.
WITH due AS (
    INSERT INTO rollup_due (bucket_at)
    SELECT DISTINCT date_bin('10 minutes', start_at, timestamptz 'epoch') FROM unnest($2) AS start_at ORDER BY 1
    ON CONFLICT (bucket_at) DO UPDATE SET touched_at = now()
)
UPDATE attempt AS a
SET rules = $9, stage = judged.stage, class = judged.class, raw_kind = judged.raw_kind, raw = judged.raw
FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
     AS judged (endpoint_id, start_at, vantage_id, sequence, stage, class, raw_kind, raw)
WHERE a.start_at BETWEEN (SELECT min(start_at) FROM unnest($2) AS start_at) AND (SELECT max(start_at) FROM unnest($2) AS start_at)
  AND a.endpoint_id = judged.endpoint_id
  AND a.start_at = judged.start_at
  AND a.vantage_id = judged.vantage_id
  AND a.sequence = judged.sequence
