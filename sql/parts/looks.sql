-- What the handshakes of each cell of "kept" looked like: the most common value of each, over attempts that came so far.
, leaf AS (
    SELECT k.endpoint_id, k.vantage_id, mode() WITHIN GROUP (ORDER BY encode(c.sha256[1], 'hex')) AS sha256
    FROM kept k JOIN chain c ON c.id = k.chain_id
    GROUP BY k.endpoint_id, k.vantage_id
), cells AS (
    SELECT endpoint_id, vantage_id, site, endpoint_role, host, port, sni, address, vantage, region, asn,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY tls_us) FILTER (WHERE role = 0 AND class = 0) AS handshake_us,
           mode() WITHIN GROUP (ORDER BY tls_version) FILTER (WHERE tls_us IS NOT NULL) AS tls_version,
           mode() WITHIN GROUP (ORDER BY cipher) FILTER (WHERE tls_us IS NOT NULL) AS cipher,
           mode() WITHIN GROUP (ORDER BY coalesce(nullif(alpn, ''), 'none')) FILTER (WHERE tls_us IS NOT NULL) AS alpn,
           mode() WITHIN GROUP (ORDER BY tls_group) FILTER (WHERE tls_us IS NOT NULL) AS tls_group,
           mode() WITHIN GROUP (ORDER BY http_status) AS http_status,
           mode() WITHIN GROUP (ORDER BY nullif(location, '')) AS location,
           mode() WITHIN GROUP (ORDER BY concat_ws(' ', edge, pop)) FILTER (WHERE pop <> '') AS pop,
           string_agg(DISTINCT host(seen_address), ', ' ORDER BY host(seen_address)) AS addresses
    FROM kept
    GROUP BY endpoint_id, vantage_id, site, endpoint_role, host, port, sni, address, vantage, region, asn
)
SELECT cells.*, leaf.sha256 AS leaf, certificate.issuer, encode(certificate.spki_sha256, 'hex') AS key
FROM cells
LEFT JOIN leaf USING (endpoint_id, vantage_id)
LEFT JOIN certificate ON certificate.sha256 = decode(leaf.sha256, 'hex')
ORDER BY endpoint_id, vantage_id
