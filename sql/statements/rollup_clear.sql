-- params: timestamptz
-- Begins to count a bucket again. A transaction of ingest that has touched it is waited for; one that comes later waits for
-- this one, and then makes the bucket due again.
WITH due AS (
    DELETE FROM rollup_due WHERE bucket_at = $1
), count AS (
    DELETE FROM rollup_count WHERE bucket_at = $1
), look AS (
    DELETE FROM rollup_look WHERE bucket_at = $1
)
DELETE FROM rollup_latency WHERE bucket_at = $1
