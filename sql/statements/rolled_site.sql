-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_site. The last outcome is read from the attempts, in the ten minutes that the counts lead to.
-- include: rolled
-- include: latency
-- include: tally
-- include: seen
, bins AS (
    SELECT endpoint_id AS one, 0 AS other, stage, bin, sum(n) AS n
    FROM (SELECT endpoint_id, stage, unnest(bins) AS bin, unnest(counts) AS n FROM latency WHERE stage <= 3) AS bin
    GROUP BY endpoint_id, stage, bin
)
-- include: quantiles
, tried AS (
    SELECT endpoint_id, coalesce(sum(count) FILTER (WHERE class NOT BETWEEN 10 AND 19), 0) AS attempts, coalesce(sum(count) FILTER (WHERE class = 0), 0) AS passed,
           coalesce(sum(count) FILTER (WHERE class BETWEEN 10 AND 19), 0) AS local
    FROM tally
    WHERE role = 0
    GROUP BY endpoint_id
), counted AS (
    SELECT endpoint_id, tried.attempts, tried.passed, tried.local, dns.p50_us AS dns_p50_us, dns.p90_us AS dns_p90_us,
           tcp.p50_us AS tcp_p50_us, tcp.p90_us AS tcp_p90_us, tls.p50_us AS tls_p50_us, tls.p90_us AS tls_p90_us,
           http.p50_us AS http_p50_us, http.p90_us AS http_p90_us
    FROM tried
    LEFT JOIN quantiles dns ON dns.one = endpoint_id AND dns.stage = 0
    LEFT JOIN quantiles tcp ON tcp.one = endpoint_id AND tcp.stage = 1
    LEFT JOIN quantiles tls ON tls.one = endpoint_id AND tls.stage = 2
    LEFT JOIN quantiles http ON http.one = endpoint_id AND http.stage = 3
), latest_hour AS (
    SELECT endpoint_id, max(at) AS at FROM tally WHERE role = 0 GROUP BY endpoint_id
), latest AS (
    SELECT c.endpoint_id, max(c.bucket_at) AS bucket_at
    FROM latest_hour h
    JOIN rollup_count c ON c.endpoint_id = h.endpoint_id AND c.bucket_at >= h.at AND c.bucket_at < h.at + interval '1 hour'
    JOIN who ON who.vantage_id = c.vantage_id
    WHERE c.role = 0 AND ($2 IS NULL OR c.bucket_at >= $2) AND ($3 IS NULL OR c.bucket_at < $3)
    GROUP BY c.endpoint_id
), last AS (
    SELECT DISTINCT ON (a.endpoint_id) a.endpoint_id, a.start_at, a.class, a.raw_kind, a.raw, who.vantage
    FROM latest l
    JOIN attempt a ON a.endpoint_id = l.endpoint_id AND a.start_at >= l.bucket_at AND a.start_at < l.bucket_at + interval '10 minutes'
    JOIN who ON who.vantage_id = a.vantage_id
    WHERE a.role = 0 AND a.variant IN (0, 1)
      AND a.start_at >= (SELECT min(bucket_at) FROM latest) AND a.start_at < (SELECT max(bucket_at) FROM latest) + interval '10 minutes'
    ORDER BY a.endpoint_id, a.start_at DESC, a.vantage_id, a.sequence DESC
), leaf AS (
    SELECT l.endpoint_id, count(DISTINCT c.sha256[1]) AS certificates, min(x.not_after) AS not_after
    FROM (SELECT DISTINCT endpoint_id, chain_id FROM seen WHERE chain_id <> 0) AS l
    JOIN chain c ON c.id = l.chain_id
    LEFT JOIN certificate x ON x.sha256 = c.sha256[1]
    GROUP BY l.endpoint_id
)
-- include: site
