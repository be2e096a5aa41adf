-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint, bigint
-- How long each stage takes for each endpoint from each region (asn null) and each network in it, over attempts that passed;
-- and its median in each period of $8 seconds.
-- include: window
, timed AS (
    SELECT k.endpoint_id, k.region, coalesce(k.asn, 0) AS asn, s.stage, s.us,
           floor(extract(epoch FROM k.start_at) / $8)::bigint AS period
    FROM kept k
    CROSS JOIN LATERAL (VALUES (0, k.dns_us), (1, k.tcp_us), (2, k.tls_us), (3, k.http_us)) AS s (stage, us)
    WHERE k.role = 0 AND k.class = 0 AND s.us > 0
), whole AS (
    SELECT endpoint_id, region, asn, stage, count(*) AS count,
           percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY us) AS p
    FROM timed
    GROUP BY GROUPING SETS ((endpoint_id, stage, region), (endpoint_id, stage, region, asn))
), by_period AS (
    SELECT endpoint_id, region, asn, stage, period, percentile_cont(0.5) WITHIN GROUP (ORDER BY us) AS us
    FROM timed
    GROUP BY GROUPING SETS ((endpoint_id, stage, region, period), (endpoint_id, stage, region, asn, period))
), medians AS (
    SELECT endpoint_id, region, asn, stage, jsonb_agg(jsonb_build_array(period, us) ORDER BY period) AS medians
    FROM by_period
    GROUP BY endpoint_id, region, asn, stage
)
-- include: places
