-- params: none
-- What will never be counted, because attempts of it may have been dropped.
DELETE FROM rollup_due USING storage WHERE bucket_at < attempts_since
