-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_counts.
-- include: rolled
-- include: tally
SELECT endpoint_id, vantage_id, role, class, raw_kind, raw, family, sum(count)::bigint AS count
FROM tally
GROUP BY endpoint_id, vantage_id, role, class, raw_kind, raw, family
ORDER BY endpoint_id, vantage_id, count DESC
