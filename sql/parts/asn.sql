-- Each network of "counted" with its outcomes ("failures"), the worst first.
, outcomes AS (
    SELECT region, asn, jsonb_agg(jsonb_build_object('class', class, 'raw_kind', raw_kind, 'raw', raw, 'count', count)
                                  ORDER BY count DESC, class) AS outcomes
    FROM failures GROUP BY region, asn
)
SELECT n.region, nullif(n.asn, 0) AS asn, n.vantages, n.attempts, n.failed, n.local, n.endpoints_failed,
       n.failed::float8 / nullif(n.attempts, 0) AS failing_share, o.outcomes, n.tcp_p50_us, n.tls_p50_us
FROM counted n
LEFT JOIN outcomes o USING (region, asn)
ORDER BY failing_share DESC NULLS LAST, n.region, n.asn
