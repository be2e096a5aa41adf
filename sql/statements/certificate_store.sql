-- params: bytea, bytea, text, text, text, timestamptz, timestamptz, bytea, text, integer, text, text[], boolean
UPDATE certificate
SET der = $2, subject = $3, issuer = $4, serial = $5, not_before = $6, not_after = $7, spki_sha256 = $8, key_type = $9,
    key_bits = $10, signature_algorithm = $11, names = $12, is_ca = $13
WHERE sha256 = $1 AND der IS NULL
