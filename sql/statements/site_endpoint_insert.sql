-- params: bigint, smallint, text, integer, text, inet
INSERT INTO endpoint (site_id, role, host, port, sni, address) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (coalesce(site_id, 0), role, host, port, sni, no_sni, coalesce(address, '0.0.0.0'), starttls)
    WHERE removed_at IS NULL DO NOTHING
RETURNING id
