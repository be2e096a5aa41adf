-- params: timestamptz
DELETE FROM rollup_latency_hour WHERE hour_at < $1
