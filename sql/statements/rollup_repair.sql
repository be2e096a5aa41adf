-- params: timestamptz
-- Makes every bucket from $1 (null: from the beginning) due that holds attempts or counts.
INSERT INTO rollup_due (bucket_at)
SELECT bucket_at FROM (
    SELECT DISTINCT date_bin('10 minutes', start_at, timestamptz 'epoch') AS bucket_at FROM attempt
    WHERE $1 IS NULL OR start_at >= date_bin('10 minutes', $1, timestamptz 'epoch')
    UNION
    SELECT DISTINCT bucket_at FROM rollup_count WHERE $1 IS NULL OR bucket_at >= date_bin('10 minutes', $1, timestamptz 'epoch')
) AS found
ORDER BY bucket_at
ON CONFLICT (bucket_at) DO UPDATE SET touched_at = now()
