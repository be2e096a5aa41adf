-- params: none
-- How far the judge is, for gauges and health.
SELECT count(*) AS unjudged, coalesce(extract(epoch FROM now() - min(closed_at)), 0) AS lag_s
FROM round WHERE closed_at IS NOT NULL AND judged_at IS NULL
