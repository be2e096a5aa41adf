-- params: bigint
-- The last first attempt that shows what incident $1 is about: its case says why.
SELECT a.round_id, a.endpoint_id, a.vantage_id, a.class
FROM incident i
JOIN incident_endpoint ie ON ie.incident_id = i.id
JOIN round r ON r.id = i.last_round
JOIN attempt a ON a.endpoint_id = ie.endpoint_id AND a.round_id = r.id AND a.class = i.class AND a.role = 0
              AND a.start_at >= r.start_at - interval '10 minutes' AND a.start_at < r.deadline_at + interval '10 minutes'
WHERE i.id = $1
ORDER BY (i.detail -> 'vantages' @> to_jsonb(a.vantage_id)) DESC, a.endpoint_id, a.vantage_id
LIMIT 1
