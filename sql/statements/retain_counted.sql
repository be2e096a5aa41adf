-- params: timestamptz, timestamptz
-- What would be deleted of counts from before $1 (of ten minutes) and $2 (of hours, and rounds).
SELECT (SELECT count(*) FROM rollup_count WHERE bucket_at < $1) + (SELECT count(*) FROM rollup_look WHERE bucket_at < $1)
       + (SELECT count(*) FROM rollup_latency WHERE bucket_at < $1) AS counts,
       (SELECT count(*) FROM rollup_count_hour WHERE hour_at < $2) + (SELECT count(*) FROM rollup_look_hour WHERE hour_at < $2)
       + (SELECT count(*) FROM rollup_latency_hour WHERE hour_at < $2) AS hours
