-- params: timestamptz, bigint, timestamptz, integer, bigint, integer
-- The next attempts with their evidence, in the order of the index.
-- $1 since; $2 to $5 the last attempt of the batch before; $6 how many.
SELECT endpoint_id, start_at, vantage_id, sequence, class, raw_kind, raw, evidence
FROM attempt
WHERE start_at >= $1
  AND (endpoint_id, start_at, vantage_id, sequence) > ($2, $3, $4, $5)
ORDER BY endpoint_id, start_at, vantage_id, sequence
LIMIT $6
