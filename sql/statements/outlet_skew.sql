-- params: none
-- How far apart vantages were at one endpoint, at most, in the last round over of each interval, for gauges.
-- include: last_rounds
, apart AS (
    SELECT last.interval_s, max(a.start_at) - min(a.start_at) AS skew
    FROM last JOIN attempt a ON a.round_id = last.id AND a.start_at >= (SELECT min(start_at) FROM last) - interval '2 hours'
    WHERE a.role = 0 AND a.variant = 0 AND a.stage <> 1
    GROUP BY last.id, last.interval_s, a.endpoint_id
)
SELECT interval_s, extract(epoch FROM max(skew)) AS skew_s FROM apart GROUP BY interval_s
