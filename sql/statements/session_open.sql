-- params: text, bytea, inet, bigint, cidr, text, text, text
UPDATE vantage
SET connected_since = now(), last_seen_at = now(), address = $3, asn = coalesce($4, asn_given), prefix = $5,
    country = $6, agent_version = $7, tls_library = $8,
    -- whoever shows the next certificate has it for good: the old one is forgotten
    certificate_not_after = CASE WHEN next_certificate_sha256 = $2 THEN next_certificate_not_after ELSE certificate_not_after END,
    next_certificate_not_after = CASE WHEN next_certificate_sha256 = $2 THEN NULL ELSE next_certificate_not_after END,
    next_certificate_sha256 = nullif(next_certificate_sha256, $2), certificate_sha256 = $2
FROM vantage_cursor AS cursor
WHERE name = $1 AND $2 IN (certificate_sha256, next_certificate_sha256) AND revoked_at IS NULL AND cursor.vantage_id = id
RETURNING id, asn, cursor.committed
