-- The same as part "window" ("kept") for all endpoints under watch from $1 to $2, microseconds since the Unix epoch: without the options of a
-- report, so that no plan can miss that only the last partition matters.
WITH kept AS (
    SELECT a.endpoint_id, a.vantage_id, a.role, a.stage, a.class, a.raw_kind, a.raw,
           a.handshake_us - a.connected_us AS tls_us, a.address AS seen_address, a.tls_version, a.cipher, a.alpn,
           a.tls_group, a.http_status, a.location, a.edge, a.pop, a.chain_id, s.name AS site, e.role AS endpoint_role, e.host, e.port,
           CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni,
           coalesce(host(e.address), '') AS address, v.name AS vantage, v.region, v.asn
    FROM attempt a
    JOIN endpoint e ON e.id = a.endpoint_id
    JOIN vantage v ON v.id = a.vantage_id
    JOIN site s ON s.id = e.site_id
    WHERE a.start_at >= timestamptz 'epoch' + $1 * interval '1 microsecond'
      AND a.start_at < timestamptz 'epoch' + $2 * interval '1 microsecond'
      AND a.variant IN (0, 1) AND e.removed_at IS NULL
)
