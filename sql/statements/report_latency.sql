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
SELECT w.endpoint_id, coalesce(s.name, '') AS site, e.role AS endpoint_role, e.host, e.port,
       CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni,
       coalesce(host(e.address), '') AS address, w.region, w.asn, w.stage,
       w.count, w.p[1] AS p50_us, w.p[2] AS p90_us, w.p[3] AS p99_us, m.medians
FROM whole w
JOIN medians m ON m.endpoint_id = w.endpoint_id AND m.stage = w.stage AND m.region = w.region
                  AND m.asn IS NOT DISTINCT FROM w.asn
JOIN endpoint e ON e.id = w.endpoint_id
LEFT JOIN site s ON s.id = e.site_id
ORDER BY site, (e.role = 0), sni, e.role, w.endpoint_id, w.stage, w.asn NULLS FIRST, w.region
