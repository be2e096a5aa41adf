-- params: timestamptz
DELETE FROM rollup_look_hour WHERE hour_at < $1
