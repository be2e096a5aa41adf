-- params: bigint, bigint, integer, integer
-- What one vantage saw of one endpoint in one round, and of the origins that are paired with it (first attempts, and those
-- without a name), in the order it was seen. $1 round, $2 endpoint, $3 vantage, $4 how many at most.
WITH place AS (
    SELECT id, coalesce(site_id, 0) AS site_id, role, host, port, sni, no_sni, address, starttls,
           CASE WHEN no_sni THEN '' WHEN sni <> '' THEN sni ELSE host END AS name
    FROM endpoint
)
SELECT p.id AS endpoint_id, p.role, p.host, p.port, p.sni, p.no_sni, coalesce(host(p.address), '') AS address, p.starttls,
       a.evidence
FROM place subject
JOIN place p ON p.id = subject.id
             OR (subject.role = 1 AND p.role = 2 AND p.site_id = subject.site_id AND p.name = subject.name)
JOIN attempt a ON a.endpoint_id = p.id
WHERE subject.id = $2 AND a.round_id = $1 AND a.vantage_id = $3
  AND a.start_at >= (SELECT start_at FROM round WHERE id = $1) - interval '2 hours'
  AND a.start_at < (SELECT deadline_at FROM round WHERE id = $1) + interval '2 hours'
  AND (p.id = subject.id OR a.role = 0 OR a.variant = 3)
ORDER BY p.id <> subject.id, p.id, a.start_at, a.sequence
LIMIT $4
