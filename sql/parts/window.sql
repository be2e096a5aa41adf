-- The attempts of a window that are made of the endpoint as it is (normal, and retried), as "kept", with their endpoint and
-- vantage. What the ladder tries otherwise tells why, not how it is.
-- $1 site, $2 since, $3 until, $4 region, $5 ASN, $6 last rounds of each endpoint, $7 round; null: any.
WITH seen AS (
    SELECT a.endpoint_id, a.vantage_id, a.round_id, a.start_at, a.slot_at, a.role, a.stage, a.class, a.raw_kind, a.raw,
           a.resolved_us AS dns_us, a.connected_us - a.connect_us AS tcp_us, a.handshake_us - a.connected_us AS tls_us,
           a.first_data_us - a.request_us AS http_us, a.address AS seen_address, a.tls_version, a.cipher, a.alpn, a.tls_group,
           a.http_status, a.location, a.edge, a.pop, a.chain_id,
           coalesce(s.name, '') AS site, e.role AS endpoint_role, e.host, e.port,
           CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni,
           coalesce(host(e.address), '') AS address,
           v.name AS vantage, v.region, v.asn,
           dense_rank() OVER (PARTITION BY a.endpoint_id ORDER BY a.round_id DESC NULLS LAST) AS age
    FROM attempt a
    JOIN endpoint e ON e.id = a.endpoint_id
    JOIN vantage v ON v.id = a.vantage_id
    LEFT JOIN site s ON s.id = e.site_id
    WHERE e.removed_at IS NULL
      AND a.variant IN (0, 1)
      AND ($1 IS NULL OR s.name = $1)
      AND ($2 IS NULL OR a.start_at >= $2)
      AND ($3 IS NULL OR a.start_at < $3)
      AND ($4 IS NULL OR v.region = $4)
      AND ($5 IS NULL OR v.asn = $5)
      AND ($7 IS NULL OR (a.round_id = $7 AND a.start_at >= (SELECT start_at FROM round WHERE id = $7) - interval '2 hours'
                          AND a.start_at < (SELECT deadline_at FROM round WHERE id = $7) + interval '2 hours'))
), kept AS (SELECT * FROM seen WHERE $6 IS NULL OR age <= $6)
