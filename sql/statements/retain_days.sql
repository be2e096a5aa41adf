-- params: timestamptz
-- The days before $1 that attempts are kept of, and what holds each. Those without a partition are strays.
SELECT to_char(day, 'YYYY-MM-DD') AS day, true AS partition, attempts, bytes, pg_size_pretty(bytes) AS size, held, incident_id
FROM attempt_days()
WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' <= $1
UNION ALL
SELECT to_char(day, 'YYYY-MM-DD'), false, attempts, 0, '', NULL, NULL
FROM attempt_strays($1)
ORDER BY day
