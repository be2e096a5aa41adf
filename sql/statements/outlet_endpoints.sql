-- params: none
-- How each endpoint of a site is, for gauges: by the last round over of its interval, and by what is open.
-- include: last_rounds
, seen AS (
    SELECT a.endpoint_id, count(*) FILTER (WHERE a.stage <> 1) AS tried, count(*) FILTER (WHERE a.class = 0) AS passed,
           min(x.not_after) AS not_after
    FROM last
    JOIN attempt a ON a.round_id = last.id AND a.start_at >= (SELECT min(start_at) FROM last) - interval '2 hours'
    LEFT JOIN chain c ON c.id = a.chain_id
    LEFT JOIN certificate x ON x.sha256 = c.sha256[1]
    WHERE a.role = 0
    GROUP BY a.endpoint_id
)
SELECT e.id, s.name AS site, e.role, e.host, e.port,
       CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni,
       coalesce(host(e.address), '') AS address,
       coalesce(n.tried, 0) AS tried, n.passed::float8 / nullif(n.tried, 0) AS passing,
       extract(epoch FROM n.not_after - now()) AS left_s,
       EXISTS (SELECT FROM incident_endpoint ie JOIN incident i ON i.id = ie.incident_id
               WHERE ie.endpoint_id = e.id AND i.kind = 1 AND i.closed_at IS NULL)::int AS failing
FROM endpoint e
JOIN site s ON s.id = e.site_id
LEFT JOIN seen n ON n.endpoint_id = e.id
WHERE e.removed_at IS NULL
ORDER BY e.id
