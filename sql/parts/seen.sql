-- The looks of a long window: whole hours where there are such, and the ten minutes at its ends.
, seen AS (
    SELECT endpoint_id, vantage_id, chain_id, tls_version, cipher, tls_group, alpn, http_status, location, edge, pop, address, count
    FROM rollup_look_hour
    WHERE hour_at >= coalesce(date_bin('1 hour', $2 + interval '59 minutes 59 seconds', timestamptz 'epoch'), '-infinity')
      AND hour_at < coalesce(date_bin('1 hour', $3, timestamptz 'epoch'), 'infinity')
      AND endpoint_id IN (SELECT endpoint_id FROM place) AND vantage_id IN (SELECT vantage_id FROM who)
    UNION ALL
    SELECT endpoint_id, vantage_id, chain_id, tls_version, cipher, tls_group, alpn, http_status, location, edge, pop, address, count
    FROM rollup_look
    WHERE ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
      AND (bucket_at < coalesce(date_bin('1 hour', $2 + interval '59 minutes 59 seconds', timestamptz 'epoch'), '-infinity')
           OR bucket_at >= coalesce(date_bin('1 hour', $3, timestamptz 'epoch'), 'infinity'))
      AND endpoint_id IN (SELECT endpoint_id FROM place) AND vantage_id IN (SELECT vantage_id FROM who)
)
