-- Each leaf certificate that an endpoint of "kept" showed, the first to expire first.
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
