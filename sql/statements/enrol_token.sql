-- params: bytea
SELECT vantage, region, labels, asn, expires_at <= now() AS expired,
       to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS expires_at,
       to_char(used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS used_at
FROM token WHERE secret_sha256 = $1 FOR UPDATE
