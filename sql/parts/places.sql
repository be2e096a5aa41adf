-- Each place of "whole" with its "medians", in the order of a report.
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
