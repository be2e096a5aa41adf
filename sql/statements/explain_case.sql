-- params: bigint
-- The last first attempt that shows what incident $1 is about: its case says why.
SELECT a.round_id, a.endpoint_id, a.vantage_id, a.class
FROM incident i
JOIN incident_endpoint ie ON ie.incident_id = i.id
JOIN round r ON r.id = i.last_round
JOIN attempt a ON a.endpoint_id = ie.endpoint_id AND a.round_id = r.id AND a.class = i.class AND a.role = 0
WHERE i.id = $1
  AND a.start_at >= (SELECT start_at FROM round WHERE id = (SELECT last_round FROM incident WHERE id = $1)) - interval '10 minutes'
  AND a.start_at < (SELECT deadline_at FROM round WHERE id = (SELECT last_round FROM incident WHERE id = $1)) + interval '10 minutes'
ORDER BY (i.detail -> 'vantages' @> to_jsonb(a.vantage_id)) DESC, a.endpoint_id, a.vantage_id
LIMIT 1
