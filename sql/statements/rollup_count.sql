-- params: timestamptz
INSERT INTO rollup_count (endpoint_id, vantage_id, bucket_at, role, class, raw_kind, raw, family, asn, count)
SELECT endpoint_id, vantage_id, $1, role, class, raw_kind, raw, coalesce(family(address), 0), coalesce(asn, 0), count(*)
FROM attempt
WHERE start_at >= $1 AND start_at < $1 + interval '10 minutes' AND variant IN (0, 1)
GROUP BY endpoint_id, vantage_id, role, class, raw_kind, raw, coalesce(family(address), 0), coalesce(asn, 0)
