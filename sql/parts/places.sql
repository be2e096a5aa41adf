-- Each place of "whole" with its "medians", in the order of a report.
-- Both are put together by grouping: nobody knows beforehand how many there are, and a join of few by few is quadratic.
, joined AS (
    SELECT endpoint_id, region, asn, stage, max(count) AS count, max(p) AS p,
           (array_agg(medians) FILTER (WHERE medians IS NOT NULL))[1] AS medians
    FROM (SELECT endpoint_id, region, asn, stage, count, p, NULL::jsonb AS medians FROM whole
          UNION ALL
          SELECT endpoint_id, region, asn, stage, NULL, NULL, medians FROM medians) AS parts
    GROUP BY endpoint_id, region, asn, stage
)
SELECT w.endpoint_id, coalesce(s.name, '') AS site, e.role AS endpoint_role, e.host, e.port,
       CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni,
       coalesce(host(e.address), '') AS address, w.region, w.asn, w.stage,
       w.count, w.p[1] AS p50_us, w.p[2] AS p90_us, w.p[3] AS p99_us, w.medians
FROM joined w
JOIN endpoint e ON e.id = w.endpoint_id
LEFT JOIN site s ON s.id = e.site_id
ORDER BY site, (e.role = 0), sni, e.role, w.endpoint_id, w.stage, w.asn NULLS FIRST, w.region
