-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As page_failures: the ten minutes are found by the counts, and the attempt in them.
-- include: rolled
, last AS (
    SELECT endpoint_id, vantage_id, max(bucket_at) AS bucket_at
    FROM rollup_count JOIN place USING (endpoint_id) JOIN who USING (vantage_id)
    WHERE role = 0 AND class <> 0 AND class NOT BETWEEN 10 AND 19
      AND ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
    GROUP BY endpoint_id, vantage_id
), failure AS (
    SELECT a.*
    FROM last l
    CROSS JOIN LATERAL (SELECT * FROM attempt
                        WHERE attempt.endpoint_id = l.endpoint_id AND attempt.vantage_id = l.vantage_id
                          AND start_at >= l.bucket_at AND start_at < l.bucket_at + interval '10 minutes'
                          AND role = 0 AND variant IN (0, 1) AND stage <> 1 AND class <> 0
                        ORDER BY start_at DESC LIMIT 1) AS a
)
-- include: failure
