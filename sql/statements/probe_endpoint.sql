-- params: smallint, text, integer, text, inet
-- An endpoint of no site, probed because somebody asked; the same one is used again.
INSERT INTO endpoint (site_id, role, host, port, sni, address) VALUES (NULL, $1, $2, $3, $4, $5)
ON CONFLICT (coalesce(site_id, 0), role, host, port, sni, no_sni, coalesce(address, '0.0.0.0'), starttls)
    WHERE removed_at IS NULL DO UPDATE SET role = excluded.role
RETURNING id
