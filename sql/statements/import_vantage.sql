-- params: text
-- Who a file says it is from, and which certificates are in force for it.
SELECT v.id, v.asn, cursor.session, encode(v.certificate_sha256, 'hex') AS certificate, encode(v.next_certificate_sha256, 'hex') AS next_certificate,
       to_char(v.revoked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS revoked_at
FROM vantage v
JOIN vantage_cursor AS cursor ON cursor.vantage_id = v.id
WHERE v.name = $1
