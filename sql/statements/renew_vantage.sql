-- params: integer, bytea, bytea, bigint
-- One row when the certificate shown ($2) is still the one in force; the next one ($3) is then in force beside it.
UPDATE vantage SET next_certificate_sha256 = $3, next_certificate_not_after = to_timestamp($4)
WHERE id = $1 AND certificate_sha256 = $2 AND revoked_at IS NULL
RETURNING id
