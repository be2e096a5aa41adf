-- params: boolean
-- The buckets to be counted again of the first hour that has any; $1: that under way too. What was counted of attempts that may have been
-- dropped since is final.
WITH due AS (
    SELECT bucket_at FROM rollup_due, storage
    WHERE bucket_at >= attempts_since AND ($1 OR bucket_at + interval '10 minutes' <= now())
)
SELECT bucket_at FROM due
WHERE bucket_at < (SELECT date_bin('1 hour', min(bucket_at), timestamptz 'epoch') FROM due) + interval '1 hour'
ORDER BY bucket_at
