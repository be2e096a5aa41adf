-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- The last first attempt that failed of each endpoint from each vantage, with what it showed.
-- include: window
, last AS (
    SELECT endpoint_id, vantage_id, max(start_at) AS start_at
    FROM kept WHERE role = 0 AND stage <> 1 AND class <> 0
    GROUP BY endpoint_id, vantage_id
)
SELECT DISTINCT ON (a.endpoint_id, a.vantage_id)
       a.endpoint_id, a.vantage_id, a.round_id, to_char(a.start_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
       a.class, a.raw_kind, a.raw, coalesce(host(a.address), '') AS address, a.source_port, a.min_rtt_us, a.total_retrans,
       a.connected_us - a.connect_us AS tcp_us, a.handshake_us - a.connected_us AS tls_us, a.tls_version, a.alpn, a.alert_in,
       a.verify_error, a.http_status, a.server, a.edge, a.pop, x.subject, x.issuer,
       to_char(x.not_after, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS not_after
FROM last l
JOIN attempt a ON a.endpoint_id = l.endpoint_id AND a.vantage_id = l.vantage_id AND a.start_at = l.start_at
LEFT JOIN chain c ON c.id = a.chain_id
LEFT JOIN certificate x ON x.sha256 = c.sha256[1]
WHERE a.role = 0 AND a.class <> 0
ORDER BY a.endpoint_id, a.vantage_id, a.sequence DESC
