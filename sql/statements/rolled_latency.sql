-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint, bigint
-- As report_latency, from histograms: of ten minutes, or of hours when $8 is one or more. Within a bin, values are taken to lie evenly.
-- Regions are numbers until the end: there are many bins to sort.
-- include: rolled
, areas AS (
    SELECT vantage_id, dense_rank() OVER (ORDER BY region) AS area, region, coalesce(asn, 0) AS asn FROM who
), histogram AS (
    SELECT endpoint_id, vantage_id, stage, bucket_at AS at, bins, counts FROM rollup_latency
    WHERE $8 < 3600 AND stage <= 3 AND ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
    UNION ALL
    SELECT endpoint_id, vantage_id, stage, hour_at, bins, counts FROM rollup_latency_hour
    WHERE $8 >= 3600 AND stage <= 3 AND ($2 IS NULL OR hour_at >= date_bin('1 hour', $2, timestamptz 'epoch')) AND ($3 IS NULL OR hour_at < $3)
), timed AS (
    SELECT endpoint_id, area, asn, stage, floor(date_part('epoch', at) / $8)::bigint AS period, bins, counts
    FROM histogram JOIN areas USING (vantage_id)
    WHERE endpoint_id IN (SELECT endpoint_id FROM place)
), cells AS (
    SELECT endpoint_id, area, asn, stage, period, b.bin, sum(b.n)::float8 AS n
    FROM timed CROSS JOIN LATERAL unnest(bins, counts) AS b (bin, n)
    GROUP BY endpoint_id, area, asn, stage, period, b.bin
), placed AS (
    SELECT endpoint_id, area, NULL::bigint AS asn, stage, period, bin, sum(n) AS n
    FROM cells GROUP BY endpoint_id, area, stage, period, bin
    UNION ALL
    SELECT * FROM cells
), ranked AS (
    SELECT *, sum(n) OVER (PARTITION BY endpoint_id, area, stage, asn, period ORDER BY bin) AS upto,
           sum(n) OVER (PARTITION BY endpoint_id, area, stage, asn, period) AS total
    FROM placed
), middles AS (
    SELECT endpoint_id, area, asn, stage,
           jsonb_agg(jsonb_build_array(period, round(power(2, (bin + (total / 2 - upto + n) / n) / 4))) ORDER BY period) AS medians
    FROM ranked WHERE upto >= total / 2 AND upto - n < total / 2
    GROUP BY endpoint_id, area, asn, stage
), summed AS (
    SELECT endpoint_id, area, asn, stage, bin, sum(n) AS n FROM placed GROUP BY endpoint_id, area, asn, stage, bin
), shares AS (
    SELECT *, sum(n) OVER (PARTITION BY endpoint_id, area, stage, asn ORDER BY bin) AS upto,
           sum(n) OVER (PARTITION BY endpoint_id, area, stage, asn) AS total
    FROM summed
), measured AS (
    SELECT endpoint_id, area, asn, stage, max(total)::bigint AS count,
           array_agg(round(power(2, (bin + (q * total - upto + n) / n) / 4))::bigint ORDER BY q) AS p
    FROM shares CROSS JOIN (VALUES (0.5::float8), (0.9), (0.99)) AS quantile (q)
    WHERE upto >= q * total AND upto - n < q * total
    GROUP BY endpoint_id, area, asn, stage
), names AS (
    SELECT DISTINCT area, region FROM areas
), medians AS (
    SELECT middles.*, region FROM middles JOIN names USING (area)
), whole AS (
    SELECT measured.*, region FROM measured JOIN names USING (area)
)
-- include: places
