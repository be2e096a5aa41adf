-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- Each network in each region: how much of what it tries fails, with what, and how long connecting takes; the worst first.
-- include: window
, counted AS (
    SELECT region, coalesce(asn, 0) AS asn, count(DISTINCT vantage_id) AS vantages,
           count(*) FILTER (WHERE stage <> 1) AS attempts,
           count(*) FILTER (WHERE stage <> 1 AND class <> 0) AS failed,
           count(*) FILTER (WHERE stage = 1) AS local,
           count(DISTINCT endpoint_id) FILTER (WHERE stage <> 1 AND class <> 0) AS endpoints_failed,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY tcp_us) AS tcp_p50_us,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY tls_us) AS tls_p50_us
    FROM kept WHERE role = 0
    GROUP BY region, coalesce(asn, 0)
), failures AS (
    SELECT region, coalesce(asn, 0) AS asn, class, raw_kind, raw, count(*) AS count
    FROM kept WHERE role = 0 AND stage <> 1 AND class <> 0
    GROUP BY region, coalesce(asn, 0), class, raw_kind, raw
)
-- include: asn
