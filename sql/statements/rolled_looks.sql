-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_looks: votes are counted by value, and the most common one wins, the least among equals.
-- include: rolled
-- include: seen
, looked AS (
    SELECT endpoint_id, vantage_id, chain_id, tls_version, cipher, tls_group, alpn, http_status, location, edge, pop, address, sum(count) AS n
    FROM seen
    GROUP BY endpoint_id, vantage_id, chain_id, tls_version, cipher, tls_group, alpn, http_status, location, edge, pop, address
), leaf AS (
    SELECT DISTINCT ON (endpoint_id, vantage_id) endpoint_id, vantage_id, encode(c.sha256[1], 'hex') AS sha256
    FROM looked JOIN chain c ON c.id = chain_id
    GROUP BY endpoint_id, vantage_id, c.sha256[1] ORDER BY endpoint_id, vantage_id, sum(n) DESC, sha256
), version AS (
    SELECT DISTINCT ON (endpoint_id, vantage_id) endpoint_id, vantage_id, tls_version
    FROM looked WHERE tls_version <> 0
    GROUP BY endpoint_id, vantage_id, tls_version ORDER BY endpoint_id, vantage_id, sum(n) DESC, tls_version
), suite AS (
    SELECT DISTINCT ON (endpoint_id, vantage_id) endpoint_id, vantage_id, cipher
    FROM looked WHERE cipher <> 0
    GROUP BY endpoint_id, vantage_id, cipher ORDER BY endpoint_id, vantage_id, sum(n) DESC, cipher
), share AS (
    SELECT DISTINCT ON (endpoint_id, vantage_id) endpoint_id, vantage_id, tls_group
    FROM looked WHERE tls_group <> 0
    GROUP BY endpoint_id, vantage_id, tls_group ORDER BY endpoint_id, vantage_id, sum(n) DESC, tls_group
), redirect AS (
    SELECT DISTINCT ON (endpoint_id, vantage_id) endpoint_id, vantage_id, location
    FROM looked WHERE location <> ''
    GROUP BY endpoint_id, vantage_id, location ORDER BY endpoint_id, vantage_id, sum(n) DESC, location
), point AS (
    SELECT DISTINCT ON (endpoint_id, vantage_id) endpoint_id, vantage_id, concat_ws(' ', nullif(edge, ''), pop) AS pop
    FROM looked WHERE looked.pop <> ''
    GROUP BY endpoint_id, vantage_id, edge, looked.pop ORDER BY endpoint_id, vantage_id, sum(n) DESC, edge, looked.pop
), protocol AS (
    SELECT DISTINCT ON (endpoint_id, vantage_id) endpoint_id, vantage_id, alpn
    FROM looked WHERE alpn <> ''
    GROUP BY endpoint_id, vantage_id, alpn ORDER BY endpoint_id, vantage_id, sum(n) DESC, alpn
), status AS (
    SELECT DISTINCT ON (endpoint_id, vantage_id) endpoint_id, vantage_id, http_status
    FROM looked WHERE http_status <> 0
    GROUP BY endpoint_id, vantage_id, http_status ORDER BY endpoint_id, vantage_id, sum(n) DESC, http_status
), cells AS (
    SELECT endpoint_id, vantage_id,
           string_agg(DISTINCT address, ', ' ORDER BY address) FILTER (WHERE address <> '') AS addresses
    FROM looked
    GROUP BY endpoint_id, vantage_id
)
-- include: latency
, bins AS (
    SELECT endpoint_id AS one, vantage_id AS other, stage, bin, sum(n) AS n
    FROM (SELECT endpoint_id, vantage_id, stage, unnest(bins) AS bin, unnest(counts) AS n FROM latency WHERE stage = 2) AS bin
    GROUP BY endpoint_id, vantage_id, stage, bin
)
-- include: quantiles
SELECT endpoint_id, vantage_id, site, endpoint_role, host, port, sni, place.address, vantage, region, asn,
       quantiles.p50_us AS handshake_us, version.tls_version, suite.cipher, protocol.alpn, share.tls_group,
       status.http_status, redirect.location, point.pop, cells.addresses, leaf.sha256 AS leaf, certificate.issuer,
       encode(certificate.spki_sha256, 'hex') AS key
FROM cells
JOIN place USING (endpoint_id)
JOIN who USING (vantage_id)
LEFT JOIN leaf USING (endpoint_id, vantage_id)
LEFT JOIN version USING (endpoint_id, vantage_id)
LEFT JOIN suite USING (endpoint_id, vantage_id)
LEFT JOIN protocol USING (endpoint_id, vantage_id)
LEFT JOIN status USING (endpoint_id, vantage_id)
LEFT JOIN share USING (endpoint_id, vantage_id)
LEFT JOIN redirect USING (endpoint_id, vantage_id)
LEFT JOIN point USING (endpoint_id, vantage_id)
LEFT JOIN quantiles ON one = endpoint_id AND other = vantage_id
LEFT JOIN certificate ON certificate.sha256 = decode(leaf.sha256, 'hex')
ORDER BY endpoint_id, vantage_id
