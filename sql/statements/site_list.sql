-- params: none
SELECT s.name AS site, s.interval_s, s.sentinel, CASE s.depth WHEN 1 THEN 'hello' ELSE 'full' END AS depth,
       concat_ws(' ', CASE WHEN s.fetches & 1 <> 0 THEN 'issuer' END, CASE WHEN s.fetches & 2 <> 0 THEN 'ocsp' END) AS fetch,
       count(e.id) AS endpoints,
       count(e.id) FILTER (WHERE e.role = 1) AS edges, count(e.id) FILTER (WHERE e.role = 2) AS origins,
       count(e.id) FILTER (WHERE e.role = 0) AS plains, to_char(s.created_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created_at
FROM site s
LEFT JOIN endpoint e ON e.site_id = s.id AND e.removed_at IS NULL
GROUP BY s.id
ORDER BY s.name
