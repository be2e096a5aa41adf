-- params: text, timestamptz, timestamptz, text, bigint, bigint, boolean
-- include: export
SELECT vantage, asn, asn IS DISTINCT FROM vantage_asn AS moved, sequence, endpoint_id,
       CASE WHEN EXISTS (SELECT FROM round WHERE id = round_id) THEN round_id END AS round_id, evidence
FROM kept
ORDER BY start_at, vantage, sequence
