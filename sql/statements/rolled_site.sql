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
), latest AS (
    SELECT place.endpoint_id, c.bucket_at
    FROM place
    CROSS JOIN LATERAL (SELECT bucket_at FROM rollup_count
                        WHERE rollup_count.endpoint_id = place.endpoint_id AND role = 0 AND vantage_id IN (SELECT vantage_id FROM who)
                          AND ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
                        ORDER BY bucket_at DESC LIMIT 1) AS c
), last AS (
    SELECT latest.endpoint_id, a.start_at, a.class, a.raw_kind, a.raw, who.vantage
    FROM latest
    CROSS JOIN LATERAL (SELECT start_at, class, raw_kind, raw, vantage_id FROM attempt
                        WHERE attempt.endpoint_id = latest.endpoint_id AND role = 0 AND variant IN (0, 1)
                          AND vantage_id IN (SELECT vantage_id FROM who)
                          AND start_at >= latest.bucket_at AND start_at < latest.bucket_at + interval '10 minutes'
                        ORDER BY start_at DESC LIMIT 1) AS a
    JOIN who ON who.vantage_id = a.vantage_id
), leaf AS (
    SELECT l.endpoint_id, count(DISTINCT c.sha256[1]) AS certificates, min(x.not_after) AS not_after
    FROM (SELECT DISTINCT endpoint_id, chain_id FROM seen WHERE chain_id <> 0) AS l
    JOIN chain c ON c.id = l.chain_id
    LEFT JOIN certificate x ON x.sha256 = c.sha256[1]
    GROUP BY l.endpoint_id
)
-- include: site
