-- params: bigint, smallint, timestamptz, timestamptz, bigint
-- For each vantage from which an endpoint failed in one way: the round that tells most of why. A lasting failure is looked
-- into once in a quarter of an hour, so that is how far back the round may lie before the last one that failed so.
-- $1 endpoint, $2 class; $3 since, $4 until, $5 round of that last one; null: any.
WITH failing AS (
    SELECT a.vantage_id, a.round_id, min(a.start_at) AS start_at, count(*) AS attempts
    FROM attempt a
    WHERE a.endpoint_id = $1 AND a.round_id IS NOT NULL
      AND ($3 IS NULL OR a.start_at >= $3 - interval '16 minutes')
      AND ($4 IS NULL OR a.start_at < $4 + interval '16 minutes')
      AND ($5 IS NULL OR (a.start_at >= (SELECT start_at FROM round WHERE id = $5) - interval '16 minutes'
                          AND a.start_at < (SELECT deadline_at FROM round WHERE id = $5) + interval '2 hours'))
    GROUP BY a.vantage_id, a.round_id
    HAVING bool_or(a.role = 0 AND a.class = $2)
), last AS (
    SELECT vantage_id, max(start_at) AS start_at
    FROM failing
    WHERE ($3 IS NULL OR start_at >= $3) AND ($4 IS NULL OR start_at < $4) AND ($5 IS NULL OR round_id = $5)
    GROUP BY vantage_id
)
SELECT DISTINCT ON (f.vantage_id) f.vantage_id, f.round_id
FROM failing f JOIN last l USING (vantage_id)
WHERE f.start_at BETWEEN l.start_at - interval '16 minutes' AND l.start_at
ORDER BY f.vantage_id, f.attempts DESC, f.round_id DESC
