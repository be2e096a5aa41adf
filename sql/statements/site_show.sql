-- params: text
SELECT s.name AS site, s.interval_s, s.sentinel, CASE s.depth WHEN 1 THEN 'hello' ELSE 'full' END AS depth, e.id AS endpoint_id, e.role AS endpoint_role, e.host, e.port, coalesce(host(e.address), '') AS address,
       CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni,
       to_char(e.created_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created_at
FROM site s
JOIN endpoint e ON e.site_id = s.id AND e.removed_at IS NULL
WHERE s.name = $1
ORDER BY (e.role = 0), e.host, e.role, e.port, e.id
