-- Each vantage, with "counted", and what it had no room for as reports on rounds of the window tell it.
SELECT v.name AS vantage, v.region, v.asn, coalesce(host(v.address), '') AS address,
       CASE WHEN v.revoked_at IS NOT NULL THEN 'revoked' WHEN v.connected_since IS NOT NULL THEN 'connected'
            ELSE 'away' END AS state,
       to_char(v.connected_since, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS connected_since,
       to_char(v.last_seen_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_seen_at,
       coalesce(n.attempts, 0) AS attempts, coalesce(n.failed, 0) AS failed, coalesce(n.local, 0) AS local,
       n.failed::float8 / nullif(n.attempts, 0) AS failing_share, n.skew_p99_us,
       coalesce(lost.count, 0) AS dropped, v.agent_version, v.tls_library,
       to_char(v.certificate_not_after, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS certificate_not_after,
       CASE WHEN v.revoked_at IS NOT NULL THEN NULL WHEN v.certificate_not_after <= now() THEN 'ended'
            WHEN v.certificate_not_after < now() + interval '3 days' THEN 'ends soon' END AS certificate
FROM vantage v
LEFT JOIN counted n ON n.vantage_id = v.id
LEFT JOIN (
    SELECT d.vantage_id, sum(d.count)::bigint AS count
    FROM dropped d
    LEFT JOIN round r ON r.id = d.round_id
    LEFT JOIN endpoint e ON e.id = d.endpoint_id
    LEFT JOIN site s ON s.id = e.site_id
    WHERE ($1 IS NULL OR s.name = $1) AND ($2 IS NULL OR r.start_at >= $2) AND ($3 IS NULL OR r.start_at < $3)
      AND ($7 IS NULL OR d.round_id = $7)
    GROUP BY d.vantage_id
) AS lost ON lost.vantage_id = v.id
WHERE ($4 IS NULL OR v.region = $4) AND ($5 IS NULL OR v.asn = $5)
ORDER BY v.region, v.asn NULLS LAST, v.name
