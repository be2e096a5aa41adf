-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- What the handshakes of each cell looked like: the most common value of each, over attempts that came so far.
-- $1 site, $2 since, $3 until, $4 region, $5 ASN, $6 last rounds of each endpoint, $7 round; null: any.
WITH seen AS (
    SELECT a.endpoint_id, a.vantage_id, coalesce(s.name, '') AS site, e.role AS endpoint_role, e.host, e.port,
           CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni, coalesce(host(e.address), '') AS address,
           v.name AS vantage, v.region, v.asn,
           a.role, a.handshake_us - a.connected_us AS handshake_us, a.tls_version, a.cipher, a.alpn, a.http_status,
           host(a.address) AS seen_address, a.chain_id,
           dense_rank() OVER (PARTITION BY a.endpoint_id ORDER BY a.round_id DESC NULLS LAST) AS age
    FROM attempt a
    JOIN endpoint e ON e.id = a.endpoint_id
    JOIN vantage v ON v.id = a.vantage_id
    LEFT JOIN site s ON s.id = e.site_id
    WHERE e.removed_at IS NULL
      AND ($1 IS NULL OR s.name = $1)
      AND ($2 IS NULL OR a.start_at >= $2)
      AND ($3 IS NULL OR a.start_at < $3)
      AND ($4 IS NULL OR v.region = $4)
      AND ($5 IS NULL OR v.asn = $5)
      AND ($7 IS NULL OR a.round_id = $7)
), kept AS (SELECT * FROM seen WHERE $6 IS NULL OR age <= $6)
, leaf AS (
    SELECT k.endpoint_id, k.vantage_id, mode() WITHIN GROUP (ORDER BY encode(c.sha256[1], 'hex')) AS sha256
    FROM kept k JOIN chain c ON c.id = k.chain_id
    GROUP BY k.endpoint_id, k.vantage_id
), cells AS (
    SELECT endpoint_id, vantage_id, site, endpoint_role, host, port, sni, address, vantage, region, asn,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY handshake_us) FILTER (WHERE role = 0) AS handshake_us,
           mode() WITHIN GROUP (ORDER BY tls_version) FILTER (WHERE handshake_us IS NOT NULL) AS tls_version,
           mode() WITHIN GROUP (ORDER BY cipher) FILTER (WHERE handshake_us IS NOT NULL) AS cipher,
           mode() WITHIN GROUP (ORDER BY coalesce(nullif(alpn, ''), 'none')) FILTER (WHERE handshake_us IS NOT NULL) AS alpn,
           mode() WITHIN GROUP (ORDER BY http_status) AS http_status,
           string_agg(DISTINCT seen_address, ', ' ORDER BY seen_address) AS addresses
    FROM kept
    GROUP BY endpoint_id, vantage_id, site, endpoint_role, host, port, sni, address, vantage, region, asn
)
SELECT cells.*, leaf.sha256 AS leaf, certificate.issuer
FROM cells
LEFT JOIN leaf USING (endpoint_id, vantage_id)
LEFT JOIN certificate ON certificate.sha256 = decode(leaf.sha256, 'hex')
ORDER BY endpoint_id, vantage_id
