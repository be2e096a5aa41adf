-- params: none
SELECT id, encode(certificate_sha256, 'hex') AS certificate FROM vantage WHERE revoked_at IS NULL
