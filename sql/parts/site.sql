-- Each endpoint, with "counted", "last" and "leaf".
SELECT coalesce(s.name, '') AS site, e.role AS endpoint_role, e.host, e.port, coalesce(host(e.address), '') AS address,
       coalesce(n.attempts, 0) AS attempts, coalesce(n.passed, 0) AS passed, coalesce(n.local, 0) AS local,
       n.passed::float8 / nullif(n.attempts, 0) AS share,
       n.dns_p50_us, n.dns_p90_us, n.tcp_p50_us, n.tcp_p90_us, n.tls_p50_us, n.tls_p90_us, n.http_p50_us, n.http_p90_us,
       l.class AS last_class, l.raw_kind AS last_raw_kind, l.raw AS last_raw, l.vantage AS last_vantage,
       to_char(l.start_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last_at,
       f.certificates, to_char(f.not_after, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS not_after,
       floor(extract(epoch FROM f.not_after - now()) / 86400)::bigint AS days_left
FROM endpoint e
LEFT JOIN site s ON s.id = e.site_id
LEFT JOIN counted n ON n.endpoint_id = e.id
LEFT JOIN last l ON l.endpoint_id = e.id
LEFT JOIN leaf f ON f.endpoint_id = e.id
WHERE e.removed_at IS NULL AND ($1 IS NULL OR s.name = $1) AND (e.site_id IS NOT NULL OR n.endpoint_id IS NOT NULL)
ORDER BY site, (e.role = 0), e.host, e.role, e.port, e.id
