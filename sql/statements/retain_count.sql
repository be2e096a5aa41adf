-- params: timestamptz
DELETE FROM rollup_count WHERE bucket_at < $1
