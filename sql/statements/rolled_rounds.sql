-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_rounds; the window ends where the last ten minutes do that hold anything.
-- include: rolled
-- include: tally
, bounds AS NOT MATERIALIZED (
    SELECT bucket_at
    FROM rollup_count
    WHERE ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
      AND endpoint_id IN (SELECT endpoint_id FROM place) AND vantage_id IN (SELECT vantage_id FROM who)
), counted AS (
    SELECT (SELECT sum(count)::bigint FROM tally) AS attempts,
           (SELECT bucket_at FROM bounds ORDER BY bucket_at LIMIT 1) AS first_at,
           (SELECT bucket_at FROM bounds ORDER BY bucket_at DESC LIMIT 1) + interval '10 minutes' AS last_at
)
SELECT (SELECT count(*) FROM round r
        WHERE r.start_at >= counted.first_at AND r.start_at < counted.last_at
          AND EXISTS (SELECT FROM round_endpoint re JOIN place ON place.endpoint_id = re.endpoint_id WHERE re.round_id = r.id)) AS rounds,
       coalesce(attempts, 0) AS attempts, to_char(first_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS first_at,
       to_char(last_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_at
FROM counted
