-- params: timestamptz
DELETE FROM rollup_look WHERE bucket_at < $1
