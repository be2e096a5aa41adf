-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_vantages.
-- include: rolled
-- include: latency
-- include: tally
, bins AS (
    SELECT vantage_id AS one, 0 AS other, stage, bin, sum(n) AS n
    FROM (SELECT vantage_id, stage, unnest(bins) AS bin, unnest(counts) AS n FROM latency WHERE stage = 5) AS bin
    GROUP BY vantage_id, stage, bin
)
-- include: quantiles
, tried AS (
    SELECT vantage_id, coalesce(sum(count) FILTER (WHERE class NOT BETWEEN 10 AND 19), 0) AS attempts,
           coalesce(sum(count) FILTER (WHERE class NOT BETWEEN 10 AND 19 AND class <> 0), 0) AS failed,
           coalesce(sum(count) FILTER (WHERE class BETWEEN 10 AND 19), 0) AS local,
           coalesce(sum(count) FILTER (WHERE class = 10), 0) AS refused
    FROM tally
    WHERE role = 0
    GROUP BY vantage_id
), counted AS (
    SELECT vantage_id, attempts, failed, local, refused, p99_us AS skew_p99_us FROM tried LEFT JOIN quantiles ON one = vantage_id
)
-- include: vantages
