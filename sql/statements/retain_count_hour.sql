-- params: timestamptz
DELETE FROM rollup_count_hour WHERE hour_at < $1
