-- params: bytea, text, text, jsonb, bigint, bigint
INSERT INTO token (secret_sha256, vantage, region, labels, asn, expires_at)
VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 microsecond')
