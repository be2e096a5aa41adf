-- params: timestamptz
-- Begins to sum up again the hour that a bucket belongs to.
WITH count AS (
    DELETE FROM rollup_count_hour WHERE hour_at = date_bin('1 hour', $1, timestamptz 'epoch')
), look AS (
    DELETE FROM rollup_look_hour WHERE hour_at = date_bin('1 hour', $1, timestamptz 'epoch')
)
DELETE FROM rollup_latency_hour WHERE hour_at = date_bin('1 hour', $1, timestamptz 'epoch')
