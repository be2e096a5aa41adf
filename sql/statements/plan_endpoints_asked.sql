-- params: bigint[]
SELECT endpoint.id, host, port, sni, no_sni, host(address) AS address, role, starttls, coalesce(site.name, '') AS site, coalesce(site.fetches, 0) AS fetch
FROM endpoint LEFT JOIN site ON site.id = endpoint.site_id
WHERE endpoint.id = ANY ($1)
ORDER BY endpoint.id
