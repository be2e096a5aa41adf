-- params: bigint[]
SELECT endpoint.id, host, port, sni, no_sni, host(address) AS address, role, starttls, coalesce(site.name, '') AS site
FROM endpoint LEFT JOIN site ON site.id = endpoint.site_id
WHERE endpoint.id = ANY ($1)
ORDER BY endpoint.id
