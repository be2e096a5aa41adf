-- params: bigint, bigint, integer, integer
-- What one vantage saw of one endpoint in one round, and of the origins that are paired with it (first attempts, and those
-- without a name), in the order it was seen. $1 round, $2 endpoint, $3 vantage, $4 how many at most.
WITH subject AS (
    SELECT *, CASE WHEN no_sni THEN '' WHEN sni <> '' THEN sni ELSE host END AS name FROM endpoint WHERE id = $2
), place AS (
    SELECT id FROM subject
    UNION ALL
    SELECT o.id
    FROM subject s
    JOIN endpoint o ON o.site_id = s.site_id OR (o.site_id IS NULL AND s.site_id IS NULL)
    WHERE s.role = 1 AND o.role = 2 AND CASE WHEN o.no_sni THEN '' WHEN o.sni <> '' THEN o.sni ELSE o.host END = s.name
)
SELECT p.id AS endpoint_id, p.role, p.host, p.port, p.sni, p.no_sni, coalesce(host(p.address), '') AS address, p.starttls,
       a.evidence
FROM place
JOIN endpoint p ON p.id = place.id
JOIN attempt a ON a.endpoint_id = p.id
WHERE a.round_id = $1 AND a.vantage_id = $3
  AND a.start_at >= (SELECT start_at FROM round WHERE id = $1) - interval '2 hours'
  AND a.start_at < (SELECT deadline_at FROM round WHERE id = $1) + interval '2 hours'
  AND (p.id = $2 OR a.role = 0 OR a.variant = 3)
ORDER BY p.id <> $2, p.id, a.start_at, a.sequence
LIMIT $4
