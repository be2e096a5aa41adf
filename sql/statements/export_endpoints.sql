-- params: text, timestamptz, timestamptz, text, bigint, bigint, boolean
-- include: export
SELECT e.id, coalesce(s.name, '') AS site, e.role, e.host, e.port, e.sni, e.no_sni, coalesce(host(e.address), '') AS address
FROM endpoint e LEFT JOIN site s ON s.id = e.site_id
WHERE e.id IN (SELECT endpoint_id FROM kept)
ORDER BY e.id
