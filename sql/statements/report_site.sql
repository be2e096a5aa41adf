-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- Each endpoint over a window: how often it passes, how long the stages take then, and its last outcome.
-- include: window
, counted AS (
    SELECT endpoint_id,
           count(*) FILTER (WHERE stage <> 1) AS attempts,
           count(*) FILTER (WHERE class = 0) AS passed,
           count(*) FILTER (WHERE stage = 1) AS local,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY dns_us) FILTER (WHERE class = 0) AS dns_p50_us,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY dns_us) FILTER (WHERE class = 0) AS dns_p90_us,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY tcp_us) FILTER (WHERE class = 0) AS tcp_p50_us,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY tcp_us) FILTER (WHERE class = 0) AS tcp_p90_us,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY tls_us) FILTER (WHERE class = 0) AS tls_p50_us,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY tls_us) FILTER (WHERE class = 0) AS tls_p90_us,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY http_us) FILTER (WHERE class = 0) AS http_p50_us,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY http_us) FILTER (WHERE class = 0) AS http_p90_us
    FROM kept WHERE role = 0
    GROUP BY endpoint_id
), last AS (
    SELECT DISTINCT ON (endpoint_id) endpoint_id, start_at, class, raw_kind, raw, vantage
    FROM kept WHERE role = 0 ORDER BY endpoint_id, start_at DESC, vantage_id
), leaf AS (
    SELECT k.endpoint_id, count(DISTINCT c.sha256[1]) AS certificates, min(x.not_after) AS not_after
    FROM kept k JOIN chain c ON c.id = k.chain_id LEFT JOIN certificate x ON x.sha256 = c.sha256[1]
    GROUP BY k.endpoint_id
)
-- include: site
