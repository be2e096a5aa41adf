-- params: bytea, text, text, timestamptz, timestamptz, text, integer, text, text[], boolean
-- What is known of a certificate that nobody has; its own bytes say more.
UPDATE certificate
SET subject = $2, issuer = $3, not_before = $4, not_after = $5, key_type = nullif($6, ''), key_bits = nullif($7, 0),
    signature_algorithm = nullif($8, ''), names = $9, is_ca = $10
WHERE sha256 = $1 AND der IS NULL
