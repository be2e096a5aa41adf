-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- How long each stage takes from each region, over all endpoints: attempts that passed, counted in bins of a quarter of an octave
-- (bin k: 2^(k/4) to 2^((k+1)/4) microseconds).
-- include: window
, timed AS (
    SELECT k.region, s.stage, s.us
    FROM kept k
    CROSS JOIN LATERAL (VALUES (0, k.dns_us), (1, k.tcp_us), (2, k.tls_us), (3, k.http_us)) AS s (stage, us)
    WHERE k.role = 0 AND k.class = 0 AND s.us > 0
), whole AS (
    SELECT region, stage, count(*) AS count, percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY us) AS p
    FROM timed GROUP BY region, stage
), bins AS (
    SELECT region, stage, jsonb_agg(jsonb_build_array(bin, n) ORDER BY bin) AS bins
    FROM (SELECT region, stage, floor(4 * log(2.0, us::numeric))::integer AS bin, count(*) AS n
          FROM timed GROUP BY region, stage, bin) AS b
    GROUP BY region, stage
)
SELECT w.region, w.stage, w.count, w.p[1] AS p50_us, w.p[2] AS p90_us, w.p[3] AS p99_us, b.bins
FROM whole w JOIN bins b USING (region, stage)
ORDER BY w.stage, w.region
