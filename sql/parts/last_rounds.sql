-- The last round that is over of each interval in use, as "last".
WITH last AS (
    SELECT r.id, r.interval_s, r.start_at
    FROM (SELECT DISTINCT interval_s FROM site) AS i
    CROSS JOIN LATERAL (SELECT id, interval_s, start_at FROM round
                        WHERE interval_s = i.interval_s AND interval_s > 0 AND closed_at IS NOT NULL
                        ORDER BY start_at DESC LIMIT 1) AS r
)
