-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- Each endpoint over a window: how often it passes, how long the stages take, and its last outcome.
-- include: window
, counted AS (
    SELECT endpoint_id,
           count(*) FILTER (WHERE stage <> 1) AS attempts,
           count(*) FILTER (WHERE class = 0) AS passed,
           count(*) FILTER (WHERE stage = 1) AS local,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY dns_us) AS dns_p50_us,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY dns_us) AS dns_p90_us,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY tcp_us) AS tcp_p50_us,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY tcp_us) AS tcp_p90_us,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY tls_us) AS tls_p50_us,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY tls_us) AS tls_p90_us,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY http_us) AS http_p50_us,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY http_us) AS http_p90_us
    FROM kept WHERE role = 0
    GROUP BY endpoint_id
), last AS (
    SELECT DISTINCT ON (endpoint_id) endpoint_id, start_at, class, raw_kind, raw, vantage
    FROM kept WHERE role = 0 ORDER BY endpoint_id, start_at DESC
), leaf AS (
    SELECT k.endpoint_id, count(DISTINCT c.sha256[1]) AS certificates, min(x.not_after) AS not_after
    FROM kept k JOIN chain c ON c.id = k.chain_id LEFT JOIN certificate x ON x.sha256 = c.sha256[1]
    GROUP BY k.endpoint_id
)
SELECT coalesce(s.name, '') AS site, e.role AS endpoint_role, e.host, e.port, coalesce(host(e.address), '') AS address,
       coalesce(n.attempts, 0) AS attempts, coalesce(n.passed, 0) AS passed, coalesce(n.local, 0) AS local,
       n.passed::float8 / nullif(n.attempts, 0) AS share,
       n.dns_p50_us, n.dns_p90_us, n.tcp_p50_us, n.tcp_p90_us, n.tls_p50_us, n.tls_p90_us, n.http_p50_us, n.http_p90_us,
       l.class AS last_class, l.raw_kind AS last_raw_kind, l.raw AS last_raw, l.vantage AS last_vantage,
       to_char(l.start_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last_at,
       f.certificates, to_char(f.not_after, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS not_after,
       floor(extract(epoch FROM f.not_after - now()) / 86400)::bigint AS days_left
FROM endpoint e
LEFT JOIN site s ON s.id = e.site_id
LEFT JOIN counted n ON n.endpoint_id = e.id
LEFT JOIN last l ON l.endpoint_id = e.id
LEFT JOIN leaf f ON f.endpoint_id = e.id
WHERE e.removed_at IS NULL AND ($1 IS NULL OR s.name = $1) AND (e.site_id IS NOT NULL OR n.endpoint_id IS NOT NULL)
ORDER BY site, (e.role = 0), e.host, e.role, e.port, e.id
