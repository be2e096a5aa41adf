-- params: timestamptz
DELETE FROM rollup_latency WHERE bucket_at < $1
