-- params: boolean
-- The oldest bucket to be counted again; $1: that under way too.
SELECT bucket_at FROM rollup_due WHERE $1 OR bucket_at + interval '10 minutes' <= now() ORDER BY bucket_at LIMIT 1
