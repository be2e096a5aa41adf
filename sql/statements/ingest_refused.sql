-- params: integer[], text[], bigint[]
-- Records that cannot be true are counted, by why.
INSERT INTO refused_record AS old (vantage_id, reason, count)
SELECT vantage_id, reason, sum(count) FROM unnest($1, $2, $3) AS said (vantage_id, reason, count)
GROUP BY vantage_id, reason ORDER BY vantage_id, reason
ON CONFLICT (vantage_id, reason) DO UPDATE SET count = old.count + excluded.count, last_at = now()
