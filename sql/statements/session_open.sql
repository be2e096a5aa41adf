-- params: text, bytea, inet, bigint, cidr, text, text, text
UPDATE vantage
SET connected_since = now(), last_seen_at = now(), address = $3, asn = coalesce($4, asn_given), prefix = $5,
    country = $6, agent_version = $7, tls_library = $8
FROM vantage_cursor AS cursor
WHERE name = $1 AND certificate_sha256 = $2 AND revoked_at IS NULL AND cursor.vantage_id = id
RETURNING id, asn, cursor.committed
