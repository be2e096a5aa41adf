-- What the handshakes of each cell of "kept" looked like: the most common value of each, over attempts that came so far.
-- Of attempts that pass without a handshake, which go no further than the answer to their hello, what that answer says.
-- Leaves are voted on with the rest: a join of cells with cells, whose number nobody knows beforehand, is planned as a quadratic one.
, cells AS (
    SELECT endpoint_id, vantage_id, site, endpoint_role, host, port, sni, address, vantage, region, asn,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY tls_us) FILTER (WHERE role = 0 AND class = 0) AS handshake_us,
           mode() WITHIN GROUP (ORDER BY tls_version) FILTER (WHERE tls_us IS NOT NULL OR class = 0) AS tls_version,
           mode() WITHIN GROUP (ORDER BY cipher) FILTER (WHERE tls_us IS NOT NULL OR class = 0) AS cipher,
           mode() WITHIN GROUP (ORDER BY coalesce(nullif(alpn, ''), 'none')) FILTER (WHERE tls_us IS NOT NULL) AS alpn,
           mode() WITHIN GROUP (ORDER BY tls_group) FILTER (WHERE tls_us IS NOT NULL OR class = 0) AS tls_group,
           mode() WITHIN GROUP (ORDER BY http_status) AS http_status,
           mode() WITHIN GROUP (ORDER BY nullif(location, '')) AS location,
           mode() WITHIN GROUP (ORDER BY concat_ws(' ', edge, pop)) FILTER (WHERE pop <> '') AS pop,
           string_agg(DISTINCT host(seen_address), ', ' ORDER BY host(seen_address)) AS addresses,
           mode() WITHIN GROUP (ORDER BY encode(chain.sha256[1], 'hex')) AS leaf
    FROM kept LEFT JOIN chain ON chain.id = kept.chain_id
    GROUP BY endpoint_id, vantage_id, site, endpoint_role, host, port, sni, address, vantage, region, asn
)
SELECT cells.*, certificate.issuer, encode(certificate.spki_sha256, 'hex') AS key
FROM cells
LEFT JOIN certificate ON certificate.sha256 = decode(cells.leaf, 'hex')
ORDER BY endpoint_id, vantage_id
