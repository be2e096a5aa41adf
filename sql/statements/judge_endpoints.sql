-- params: none
-- Endpoints under watch.
SELECT e.id AS endpoint_id, s.name AS site, s.sentinel, e.role AS endpoint_role, e.host, e.port,
       CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni, coalesce(host(e.address), '') AS address
FROM endpoint e
JOIN site s ON s.id = e.site_id
WHERE e.removed_at IS NULL
ORDER BY e.id
