-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- Each leaf certificate that an endpoint showed in a window, the first to expire first.
-- $1 site, $2 since, $3 until, $4 region, $5 ASN, $6 last rounds of each endpoint, $7 round; null: any.
WITH seen AS (
    SELECT a.endpoint_id, a.chain_id, coalesce(s.name, '') AS site, e.role AS endpoint_role, e.host, e.port,
           CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni, coalesce(host(e.address), '') AS address,
           v.name AS vantage,
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
SELECT k.site, k.endpoint_role, k.host, k.port, k.address, encode(c.sha256[1], 'hex') AS sha256,
       x.subject, x.issuer, to_char(x.not_before, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS not_before,
       to_char(x.not_after, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS not_after,
       floor(extract(epoch FROM x.not_after - now()) / 86400)::bigint AS days_left,
       x.key_type, x.key_bits, x.signature_algorithm, cardinality(x.names) AS name_count, to_jsonb(x.names) AS names,
       max(cardinality(c.sha256)) AS chain_length,
       to_jsonb(array_agg(DISTINCT k.vantage ORDER BY k.vantage)) AS vantages
FROM kept k
JOIN chain c ON c.id = k.chain_id
LEFT JOIN certificate x ON x.sha256 = c.sha256[1]
GROUP BY k.site, k.endpoint_role, k.host, k.port, k.address, k.endpoint_id, c.sha256[1], x.sha256
ORDER BY x.not_after NULLS LAST, k.site, k.host, k.endpoint_id, sha256
