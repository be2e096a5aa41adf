-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_vantages.
-- include: rolled
-- include: latency
, bins AS (
    SELECT vantage_id AS one, 0 AS other, stage, bin, sum(n) AS n
    FROM (SELECT vantage_id, stage, unnest(bins) AS bin, unnest(counts) AS n FROM latency WHERE stage = 5) AS bin
    GROUP BY vantage_id, stage, bin
)
-- include: quantiles
, tried AS (
    SELECT vantage_id, coalesce(sum(count) FILTER (WHERE class NOT BETWEEN 10 AND 19), 0) AS attempts,
           coalesce(sum(count) FILTER (WHERE class NOT BETWEEN 10 AND 19 AND class <> 0), 0) AS failed,
           coalesce(sum(count) FILTER (WHERE class BETWEEN 10 AND 19), 0) AS local
    FROM rollup_count
    WHERE role = 0 AND ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
      AND endpoint_id IN (SELECT endpoint_id FROM place) AND vantage_id IN (SELECT vantage_id FROM who)
    GROUP BY vantage_id
), counted AS (
    SELECT vantage_id, attempts, failed, local, p99_us AS skew_p99_us FROM tried LEFT JOIN quantiles ON one = vantage_id
)
-- include: vantages
