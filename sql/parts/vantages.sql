-- Each vantage, with "counted".
SELECT v.name AS vantage, v.region, v.asn, coalesce(host(v.address), '') AS address,
       CASE WHEN v.revoked_at IS NOT NULL THEN 'revoked' WHEN v.connected_since IS NOT NULL THEN 'connected'
            ELSE 'away' END AS state,
       to_char(v.connected_since, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS connected_since,
       to_char(v.last_seen_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_seen_at,
       coalesce(n.refused, 0) AS refused,
       coalesce(n.attempts, 0) AS attempts, coalesce(n.failed, 0) AS failed, coalesce(n.local, 0) AS local,
       n.failed::float8 / nullif(n.attempts, 0) AS failing_share, n.skew_p99_us, v.agent_version, v.tls_library
FROM vantage v
LEFT JOIN counted n ON n.vantage_id = v.id
WHERE ($4 IS NULL OR v.region = $4) AND ($5 IS NULL OR v.asn = $5)
ORDER BY v.region, v.asn NULLS LAST, v.name
