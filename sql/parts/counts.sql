-- Attempts of "kept" by cell, role and outcome; the most common outcomes first.
SELECT endpoint_id, vantage_id, role, class, raw_kind, raw, coalesce(family(seen_address), 0) AS family, count(*) AS count
FROM kept
GROUP BY endpoint_id, vantage_id, role, class, raw_kind, raw, family
ORDER BY endpoint_id, vantage_id, count DESC
