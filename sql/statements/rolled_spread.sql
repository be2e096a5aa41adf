-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As page_latency.
-- include: rolled
-- include: latency
, bins AS (
    SELECT region AS one, 0 AS other, stage, bin, sum(n) AS n
    FROM (SELECT vantage_id, stage, unnest(bins) AS bin, unnest(counts) AS n FROM latency WHERE stage <= 3) AS b
    JOIN who USING (vantage_id)
    GROUP BY region, stage, bin
)
-- include: quantiles
SELECT b.one AS region, b.stage, sum(b.n)::bigint AS count, q.p50_us, q.p90_us, q.p99_us, jsonb_agg(jsonb_build_array(b.bin, b.n) ORDER BY b.bin) AS bins
FROM bins b JOIN quantiles q ON q.one = b.one AND q.stage = b.stage
GROUP BY b.one, b.stage, q.p50_us, q.p90_us, q.p99_us
ORDER BY b.stage, b.one
