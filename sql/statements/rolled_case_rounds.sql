-- params: bigint, smallint, timestamptz, timestamptz, bigint
-- As case_rounds: the ten minutes in which each vantage saw it last are found by the counts, and the rounds around them in the
-- attempts. $5 is not used.
WITH seen AS (
    SELECT vantage_id, max(bucket_at) AS bucket_at
    FROM rollup_count
    WHERE endpoint_id = $1 AND role = 0 AND class = $2
      AND ($3 IS NULL OR bucket_at >= $3) AND ($4 IS NULL OR bucket_at < $4)
    GROUP BY vantage_id
), failing AS (
    SELECT seen.vantage_id, seen.bucket_at, r.*
    FROM seen
    CROSS JOIN LATERAL (SELECT a.round_id, min(a.start_at) AS start_at, count(*) AS attempts
                        FROM attempt a
                        WHERE a.endpoint_id = $1 AND a.vantage_id = seen.vantage_id AND a.round_id IS NOT NULL
                          AND a.start_at >= seen.bucket_at - interval '16 minutes'
                          AND a.start_at < seen.bucket_at + interval '26 minutes'
                        GROUP BY a.round_id
                        HAVING bool_or(a.role = 0 AND a.class = $2)) AS r
), last AS (
    SELECT vantage_id, max(start_at) AS start_at
    FROM failing
    WHERE start_at < bucket_at + interval '10 minutes'
    GROUP BY vantage_id
)
SELECT DISTINCT ON (f.vantage_id) f.vantage_id, f.round_id
FROM failing f JOIN last l USING (vantage_id)
WHERE f.start_at BETWEEN l.start_at - interval '16 minutes' AND l.start_at
ORDER BY f.vantage_id, f.attempts DESC, f.round_id DESC
