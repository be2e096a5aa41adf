-- params: none
-- How far behind its work the database is, in seconds, and what is amiss. Buckets and rounds under way are no lag.
SELECT pg_database_size(current_database()) AS bytes, pg_size_pretty(pg_database_size(current_database())) AS size,
       to_char(last.start_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_at,
       to_char(nullif(storage.attempts_since, '-infinity'), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS attempts_since,
       due.buckets AS due, coalesce(extract(epoch FROM now() - due.first_at), 0)::bigint AS due_s,
       rounds.unjudged, coalesce(extract(epoch FROM now() - rounds.first_at), 0)::bigint AS unjudged_s,
       (SELECT count(*) FROM attempt_default) AS strays,
       (SELECT count(*) FROM attempt_days() WHERE day > current_date) AS ahead
FROM storage
CROSS JOIN LATERAL (SELECT count(*) AS buckets, min(touched_at) AS first_at FROM rollup_due
                    WHERE bucket_at >= attempts_since AND bucket_at + interval '10 minutes' <= now()) AS due
CROSS JOIN (SELECT count(*) AS unjudged, min(closed_at) AS first_at FROM round WHERE closed_at IS NOT NULL AND judged_at IS NULL) AS rounds
LEFT JOIN (SELECT start_at FROM attempt ORDER BY start_at DESC LIMIT 1) AS last ON true
