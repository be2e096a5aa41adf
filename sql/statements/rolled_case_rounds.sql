-- params: bigint[], smallint[], timestamptz, timestamptz, bigint
-- As case_rounds: the ten minutes in which each vantage saw it last are found by the counts, and the rounds around them in the
-- attempts, which are read once for all vantages of an endpoint. $5 is not used.
WITH asked AS (
    SELECT DISTINCT endpoint_id, class FROM unnest($1, $2) AS a (endpoint_id, class)
), seen AS (
    SELECT endpoint_id, class, vantage_id, max(bucket_at) AS bucket_at
    FROM rollup_count
    JOIN asked USING (endpoint_id, class)
    WHERE role = 0 AND ($3 IS NULL OR bucket_at >= $3) AND ($4 IS NULL OR bucket_at < $4)
    GROUP BY endpoint_id, class, vantage_id
), spans AS (
    SELECT endpoint_id, unnest(range_agg(tstzrange(bucket_at - interval '16 minutes', bucket_at + interval '26 minutes'))) AS span
    FROM seen GROUP BY endpoint_id
), near AS MATERIALIZED (
    SELECT a.*
    FROM spans
    CROSS JOIN LATERAL (SELECT endpoint_id, vantage_id, round_id, start_at, role, class
                        FROM attempt
                        WHERE attempt.endpoint_id = spans.endpoint_id AND start_at >= lower(spans.span) AND start_at < upper(spans.span)
                          AND ($3 IS NULL OR start_at >= $3 - interval '16 minutes')
                          AND ($4 IS NULL OR start_at < $4 + interval '16 minutes')
                        OFFSET 0) AS a -- for each by its index: the day from end to end is never shorter
    WHERE a.round_id IS NOT NULL
), told AS (
    SELECT seen.endpoint_id, seen.class, seen.vantage_id, seen.bucket_at, near.round_id, min(near.start_at) AS start_at, count(*) AS attempts
    FROM seen
    JOIN near USING (endpoint_id, vantage_id)
    WHERE near.start_at >= seen.bucket_at - interval '16 minutes' AND near.start_at < seen.bucket_at + interval '26 minutes'
    GROUP BY seen.endpoint_id, seen.class, seen.vantage_id, seen.bucket_at, near.round_id
    HAVING bool_or(near.role = 0 AND near.class = seen.class)
), failing AS (
    SELECT *, start_at < bucket_at + interval '10 minutes' AS counts FROM told
)
-- include: telling
