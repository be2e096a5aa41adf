-- params: bigint
-- Rounds that are over and not judged, in order. One is ready when every vantage that is connected has reported it, or when
-- its deadline is $1 microseconds past.
SELECT r.id, r.interval_s, (extract(epoch FROM r.start_at) * 1000000)::bigint AS start_us,
       (extract(epoch FROM r.deadline_at) * 1000000)::bigint AS deadline_us,
       r.deadline_at + $1 * interval '1 microsecond' < now()
       OR NOT EXISTS (SELECT FROM round_vantage rv JOIN vantage v ON v.id = rv.vantage_id
                      WHERE rv.round_id = r.id AND rv.reported_at IS NULL
                        AND v.connected_since IS NOT NULL AND v.revoked_at IS NULL) AS ready
FROM round r
WHERE r.closed_at IS NOT NULL AND r.judged_at IS NULL AND r.interval_s > 0
ORDER BY r.start_at, r.id
LIMIT 100
