-- params: integer
SELECT endpoint.id, host, port, sni, no_sni, host(address) AS address, role, starttls, site.name AS site, site.fetches AS fetch, site.depth
FROM endpoint JOIN site ON site.id = endpoint.site_id
WHERE endpoint.removed_at IS NULL AND site.interval_s = $1
ORDER BY endpoint.id
