-- params: bigint
-- Every cell that a round is expected to fill, seen or not.
SELECT re.endpoint_id, rv.vantage_id, coalesce(s.name, '') AS site, e.role AS endpoint_role, e.host, e.port,
       CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni,
       coalesce(host(e.address), '') AS address, v.name AS vantage, v.region, v.asn
FROM round_endpoint re
JOIN endpoint e ON e.id = re.endpoint_id
LEFT JOIN site s ON s.id = e.site_id
JOIN round_vantage rv ON rv.round_id = re.round_id
JOIN vantage v ON v.id = rv.vantage_id
WHERE re.round_id = $1
ORDER BY re.endpoint_id, rv.vantage_id
