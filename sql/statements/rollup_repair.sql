-- params: timestamptz
-- Makes every bucket from $1 (null: from the beginning) due that holds attempts or counts, as far back as all attempts are there still.
WITH span AS (
    SELECT greatest(date_bin('10 minutes', $1, timestamptz 'epoch'), attempts_since) AS since FROM storage
)
INSERT INTO rollup_due (bucket_at)
SELECT bucket_at FROM (
    SELECT DISTINCT date_bin('10 minutes', start_at, timestamptz 'epoch') AS bucket_at FROM attempt WHERE start_at >= (SELECT since FROM span)
    UNION
    SELECT DISTINCT bucket_at FROM rollup_count WHERE bucket_at >= (SELECT since FROM span)
) AS found
ORDER BY bucket_at
ON CONFLICT (bucket_at) DO UPDATE SET touched_at = now()
