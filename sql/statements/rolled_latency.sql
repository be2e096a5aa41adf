-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint, bigint
-- The histograms of a window, of ten minutes, or of hours when $8 is one or more: those of an endpoint together, endpoints in the order of a
-- report. "area" numbers the regions in their order, "period" spans of $8 seconds. What follows of them is worked out where it is read: there
-- are many bins to sort, and none has to be.
-- include: rolled
, areas AS (
    SELECT vantage_id, dense_rank() OVER (ORDER BY region) AS area, region, coalesce(asn, 0) AS asn FROM who
), spot AS (
    SELECT *, row_number() OVER (ORDER BY site, (endpoint_role = 0), sni, endpoint_role, endpoint_id) AS nth FROM place
), histogram AS (
    SELECT endpoint_id, vantage_id, stage, bucket_at AS at, bins, counts FROM rollup_latency
    WHERE $8 < 3600 AND stage <= 3 AND ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
    UNION ALL
    SELECT endpoint_id, vantage_id, stage, hour_at, bins, counts FROM rollup_latency_hour
    WHERE $8 >= 3600 AND stage <= 3 AND ($2 IS NULL OR hour_at >= date_bin('1 hour', $2, timestamptz 'epoch')) AND ($3 IS NULL OR hour_at < $3)
)
SELECT spot.endpoint_id, site, endpoint_role, host, port, sni, address, area, region, asn, stage,
       floor(date_part('epoch', at) / $8)::bigint AS period, bins, counts
FROM histogram JOIN areas USING (vantage_id) JOIN spot USING (endpoint_id)
ORDER BY nth
