-- params: bigint, bigint, bigint
-- Leaf certificates that endpoints showed in round $1, with who saw them.
SELECT a.endpoint_id, encode(x.sha256, 'hex') AS sha256, (extract(epoch FROM x.not_after) * 1000000)::bigint AS not_after_us,
       to_jsonb(array_agg(DISTINCT a.vantage_id ORDER BY a.vantage_id)) AS vantages
FROM attempt a
JOIN chain c ON c.id = a.chain_id
JOIN certificate x ON x.sha256 = c.sha256[1]
JOIN endpoint e ON e.id = a.endpoint_id
WHERE a.round_id = $1
  AND a.start_at >= timestamptz 'epoch' + $2 * interval '1 microsecond'
  AND a.start_at < timestamptz 'epoch' + $3 * interval '1 microsecond'
  AND a.role = 0 AND x.not_after IS NOT NULL AND e.removed_at IS NULL AND e.site_id IS NOT NULL
GROUP BY a.endpoint_id, x.sha256
ORDER BY a.endpoint_id, x.sha256
