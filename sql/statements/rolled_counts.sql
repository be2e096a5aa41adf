-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_counts.
-- include: rolled
SELECT endpoint_id, vantage_id, role, class, raw_kind, raw, family, sum(count)::bigint AS count
FROM rollup_count JOIN place USING (endpoint_id) JOIN who USING (vantage_id)
WHERE ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
GROUP BY endpoint_id, vantage_id, role, class, raw_kind, raw, family
ORDER BY endpoint_id, vantage_id, count DESC
