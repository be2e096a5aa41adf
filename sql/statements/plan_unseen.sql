-- params: bigint
-- The first round after one that is not over yet. Times in microseconds since the Unix epoch.
SELECT id, interval_s, (extract(epoch FROM start_at) * 1000000)::bigint AS start_us, spread_us, timeout_us,
       (extract(epoch FROM deadline_at) * 1000000)::bigint AS deadline_us,
       ARRAY(SELECT endpoint_id FROM round_endpoint WHERE round_id = round.id) AS endpoint_ids
FROM round
WHERE id > $1 AND closed_at IS NULL AND deadline_at > now()
ORDER BY id LIMIT 1
