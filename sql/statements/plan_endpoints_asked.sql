-- params: bigint[], boolean
-- $2: as far as their sites say. Who asks for a round now wants to know all.
SELECT endpoint.id, host, port, sni, no_sni, host(address) AS address, role, starttls, coalesce(site.name, '') AS site, coalesce(site.fetches, 0) AS fetch,
       CASE WHEN $2 THEN coalesce(site.depth, 0) ELSE 0 END AS depth
FROM endpoint LEFT JOIN site ON site.id = endpoint.site_id
WHERE endpoint.id = ANY ($1)
ORDER BY endpoint.id
