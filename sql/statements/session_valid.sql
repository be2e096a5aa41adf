-- params: none
SELECT id, encode(certificate_sha256, 'hex') AS certificate, cursor.session
FROM vantage JOIN vantage_cursor AS cursor ON cursor.vantage_id = id
WHERE revoked_at IS NULL ORDER BY id
