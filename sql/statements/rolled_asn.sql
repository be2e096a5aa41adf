-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_asn.
-- include: rolled
-- include: latency
, bins AS (
    SELECT asn AS one, region AS other, stage, bin, sum(n) AS n
    FROM (SELECT coalesce(asn, 0) AS asn, region, stage, unnest(bins) AS bin, unnest(counts) AS n
          FROM latency JOIN who USING (vantage_id) WHERE stage IN (1, 2)) AS bin
    GROUP BY asn, region, stage, bin
)
-- include: quantiles
, tried AS (
    SELECT who.region, coalesce(who.asn, 0) AS asn, vantage_id, endpoint_id, class, raw_kind, raw, sum(count)::bigint AS count
    FROM rollup_count JOIN who USING (vantage_id)
    WHERE role = 0 AND ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
      AND endpoint_id IN (SELECT endpoint_id FROM place)
    GROUP BY who.region, coalesce(who.asn, 0), vantage_id, endpoint_id, class, raw_kind, raw
), summed AS (
    SELECT region, asn, count(DISTINCT vantage_id) AS vantages,
           coalesce(sum(count) FILTER (WHERE class NOT BETWEEN 10 AND 19), 0)::bigint AS attempts,
           coalesce(sum(count) FILTER (WHERE class NOT BETWEEN 10 AND 19 AND class <> 0), 0)::bigint AS failed,
           coalesce(sum(count) FILTER (WHERE class BETWEEN 10 AND 19), 0)::bigint AS local,
           count(DISTINCT endpoint_id) FILTER (WHERE class NOT BETWEEN 10 AND 19 AND class <> 0) AS endpoints_failed
    FROM tried
    GROUP BY region, asn
), counted AS (
    SELECT summed.*, tcp.p50_us AS tcp_p50_us, tls.p50_us AS tls_p50_us
    FROM summed
    LEFT JOIN quantiles tcp ON tcp.one = asn AND tcp.other = region AND tcp.stage = 1
    LEFT JOIN quantiles tls ON tls.one = asn AND tls.other = region AND tls.stage = 2
), failures AS (
    SELECT region, asn, class, raw_kind, raw, sum(count)::bigint AS count
    FROM tried WHERE class NOT BETWEEN 10 AND 19 AND class <> 0
    GROUP BY region, asn, class, raw_kind, raw
)
-- include: asn
