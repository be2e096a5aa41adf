-- params: timestamptz
-- The hour that a bucket belongs to, summed up again.
INSERT INTO rollup_look_hour (endpoint_id, vantage_id, hour_at, passed, chain_id, tls_version, cipher, tls_group, alpn, http_status, location,
                              address, edge, pop, count)
SELECT endpoint_id, vantage_id, date_bin('1 hour', $1, timestamptz 'epoch'), passed, chain_id, tls_version, cipher, tls_group, alpn, http_status, location, address, edge, pop, sum(count)
FROM rollup_look
WHERE bucket_at >= date_bin('1 hour', $1, timestamptz 'epoch')
  AND bucket_at < date_bin('1 hour', $1, timestamptz 'epoch') + interval '1 hour'
GROUP BY endpoint_id, vantage_id, passed, chain_id, tls_version, cipher, tls_group, alpn, http_status, location, address, edge, pop
