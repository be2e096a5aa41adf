-- params: bigint[], smallint[], timestamptz, timestamptz, bigint
-- For each vantage from which an endpoint ($1) failed in a way ($2, a class beside each endpoint): the round that tells most of why.
-- $3 since, $4 until, $5 round of the last one that failed so; null: any.
WITH asked AS (
    SELECT DISTINCT endpoint_id, class FROM unnest($1, $2) AS a (endpoint_id, class)
), told AS (
    SELECT asked.endpoint_id, asked.class, a.vantage_id, a.round_id, min(a.start_at) AS start_at, count(*) AS attempts
    FROM asked
    JOIN attempt a ON a.endpoint_id = asked.endpoint_id
    WHERE a.round_id IS NOT NULL
      AND ($3 IS NULL OR a.start_at >= $3 - interval '16 minutes')
      AND ($4 IS NULL OR a.start_at < $4 + interval '16 minutes')
      AND ($5 IS NULL OR (a.start_at >= (SELECT start_at FROM round WHERE id = $5) - interval '16 minutes'
                          AND a.start_at < (SELECT deadline_at FROM round WHERE id = $5) + interval '2 hours'))
    GROUP BY asked.endpoint_id, asked.class, a.vantage_id, a.round_id
    HAVING bool_or(a.role = 0 AND a.class = asked.class)
), failing AS (
    SELECT *, ($3 IS NULL OR start_at >= $3) AND ($4 IS NULL OR start_at < $4) AND ($5 IS NULL OR round_id = $5) AS counts FROM told
)
-- include: telling
