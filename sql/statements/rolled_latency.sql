-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint, bigint
-- As report_latency, from histograms: of ten minutes, or of hours when $8 is one or more. Within a bin, values are taken to lie evenly.
-- include: rolled
, histogram AS (
    SELECT endpoint_id, vantage_id, stage, bucket_at AS at, bins, counts FROM rollup_latency
    WHERE $8 < 3600 AND stage <= 3 AND ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
    UNION ALL
    SELECT endpoint_id, vantage_id, stage, hour_at, bins, counts FROM rollup_latency_hour
    WHERE $8 >= 3600 AND stage <= 3 AND ($2 IS NULL OR hour_at >= date_bin('1 hour', $2, timestamptz 'epoch')) AND ($3 IS NULL OR hour_at < $3)
), cells AS (
    SELECT endpoint_id, region, coalesce(asn, 0) AS asn, stage, floor(extract(epoch FROM at) / $8)::bigint AS period, b.bin, sum(b.n) AS n
    FROM histogram JOIN place USING (endpoint_id) JOIN who USING (vantage_id)
    CROSS JOIN LATERAL unnest(bins, counts) AS b (bin, n)
    GROUP BY endpoint_id, region, coalesce(asn, 0), stage, period, b.bin
), placed AS (
    SELECT endpoint_id, region, asn, stage, period, bin, sum(n)::float8 AS n
    FROM cells
    GROUP BY GROUPING SETS ((endpoint_id, region, stage, period, bin), (endpoint_id, region, asn, stage, period, bin))
), ranked AS (
    SELECT *, sum(n) OVER (PARTITION BY endpoint_id, region, asn, stage, period ORDER BY bin) AS upto,
           sum(n) OVER (PARTITION BY endpoint_id, region, asn, stage, period) AS total
    FROM placed
), medians AS (
    SELECT endpoint_id, region, asn, stage,
           jsonb_agg(jsonb_build_array(period, round(power(2, (bin + (total / 2 - upto + n) / n) / 4))) ORDER BY period) AS medians
    FROM ranked WHERE upto >= total / 2 AND upto - n < total / 2
    GROUP BY endpoint_id, region, asn, stage
), summed AS (
    SELECT endpoint_id, region, asn, stage, bin, sum(n) AS n FROM placed GROUP BY endpoint_id, region, asn, stage, bin
), shares AS (
    SELECT *, sum(n) OVER (PARTITION BY endpoint_id, region, asn, stage ORDER BY bin) AS upto,
           sum(n) OVER (PARTITION BY endpoint_id, region, asn, stage) AS total
    FROM summed
), whole AS (
    SELECT endpoint_id, region, asn, stage, max(total)::bigint AS count,
           array_agg(round(power(2, (bin + (q * total - upto + n) / n) / 4))::bigint ORDER BY q) AS p
    FROM shares CROSS JOIN (VALUES (0.5::float8), (0.9), (0.99)) AS quantile (q)
    WHERE upto >= q * total AND upto - n < q * total
    GROUP BY endpoint_id, region, asn, stage
)
-- include: places
