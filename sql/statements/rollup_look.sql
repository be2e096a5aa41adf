-- params: timestamptz
-- Strangers' texts are cut: they are part of a key, which has a bound.
INSERT INTO rollup_look (endpoint_id, vantage_id, bucket_at, passed, chain_id, tls_version, cipher, tls_group, alpn, http_status,
                         location, address, edge, pop, count)
SELECT endpoint_id, vantage_id, $1, passed, chain, version, suite, key_group, protocol, status, place, seen_address, cdn, point,
       count(*)
FROM (SELECT endpoint_id, vantage_id, class = 0 AS passed, coalesce(chain_id, 0) AS chain,
             CASE WHEN handshake_us IS NULL AND class <> 0 THEN 0 ELSE coalesce(tls_version, 0) END AS version,
             CASE WHEN handshake_us IS NULL AND class <> 0 THEN 0 ELSE coalesce(cipher, 0) END AS suite,
             CASE WHEN handshake_us IS NULL AND class <> 0 THEN 0 ELSE coalesce(tls_group, 0) END AS key_group,
             CASE WHEN handshake_us IS NULL THEN '' ELSE left(coalesce(nullif(alpn, ''), 'none'), 64) END AS protocol,
             coalesce(http_status, 0::smallint) AS status, left(coalesce(location, ''), 300) AS place,
             coalesce(host(address), '') AS seen_address, left(coalesce(edge, ''), 64) AS cdn, left(coalesce(pop, ''), 64) AS point
      FROM attempt
      WHERE start_at >= $1 AND start_at < $1 + interval '10 minutes' AND variant IN (0, 1)) AS seen
GROUP BY endpoint_id, vantage_id, passed, chain, version, suite, key_group, protocol, status, place, seen_address, cdn, point
