-- What each row of "failure" (attempts) showed.
SELECT a.endpoint_id, a.vantage_id, a.round_id, to_char(a.start_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
       a.class, a.raw_kind, a.raw, coalesce(host(a.address), '') AS address, a.source_port, a.min_rtt_us, a.total_retrans,
       a.connected_us - a.connect_us AS tcp_us, a.handshake_us - a.connected_us AS tls_us,
       a.http_status, a.server, a.edge, a.pop, x.subject, x.issuer, to_char(x.not_after, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS not_after
FROM failure a
LEFT JOIN chain c ON c.id = a.chain_id
LEFT JOIN certificate x ON x.sha256 = c.sha256[1]
ORDER BY a.endpoint_id, a.vantage_id
