-- params: integer
-- The last $1 rounds of each interval that were judged.
WITH judged AS (
    SELECT id, interval_s, start_at, deadline_at, row_number() OVER (PARTITION BY interval_s ORDER BY start_at DESC) AS age
    FROM round
    WHERE judged_at IS NOT NULL AND interval_s > 0
      AND start_at > (SELECT max(start_at) FROM round) - greatest(interval '1 hour', $1 * interval_s * interval '1 second')
)
SELECT id, interval_s, (extract(epoch FROM start_at) * 1000000)::bigint AS start_us,
       (extract(epoch FROM deadline_at) * 1000000)::bigint AS deadline_us
FROM judged
WHERE age <= $1
ORDER BY start_at, id
