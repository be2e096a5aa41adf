-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_asn.
-- include: rolled
-- include: latency
-- include: tally
, bins AS (
    SELECT region AS one, coalesce(asn, 0) AS other, stage, bin, sum(n) AS n
    FROM (SELECT vantage_id, stage, unnest(bins) AS bin, unnest(counts) AS n FROM latency WHERE stage IN (1, 2)) AS b
    JOIN who USING (vantage_id)
    GROUP BY region, coalesce(asn, 0), stage, bin
)
-- include: quantiles
, tried AS (
    SELECT who.region, coalesce(who.asn, 0) AS asn, vantage_id, endpoint_id, class, raw_kind, raw, sum(count) AS count
    FROM tally JOIN who USING (vantage_id)
    WHERE role = 0
    GROUP BY who.region, coalesce(who.asn, 0), vantage_id, endpoint_id, class, raw_kind, raw
), counted AS (
    SELECT region, asn, count(DISTINCT vantage_id) AS vantages,
           coalesce(sum(count) FILTER (WHERE class NOT BETWEEN 10 AND 19), 0)::bigint AS attempts,
           coalesce(sum(count) FILTER (WHERE class NOT BETWEEN 10 AND 19 AND class <> 0), 0)::bigint AS failed,
           coalesce(sum(count) FILTER (WHERE class BETWEEN 10 AND 19), 0)::bigint AS local,
           count(DISTINCT endpoint_id) FILTER (WHERE class NOT BETWEEN 10 AND 19 AND class <> 0) AS endpoints_failed,
           t.p50_us AS tcp_p50_us, h.p50_us AS tls_p50_us
    FROM tried
    LEFT JOIN quantiles t ON t.one = region AND t.other = asn AND t.stage = 1
    LEFT JOIN quantiles h ON h.one = region AND h.other = asn AND h.stage = 2
    GROUP BY region, asn, t.p50_us, h.p50_us
), failures AS (
    SELECT region, asn, class, raw_kind, raw, sum(count)::bigint AS count
    FROM tried WHERE class <> 0 AND class NOT BETWEEN 10 AND 19
    GROUP BY region, asn, class, raw_kind, raw
)
-- include: asn
