-- params: bigint[], bigint[], integer[], integer, timestamptz, timestamptz
-- What a vantage saw of an endpoint in a round, and of the origins that are paired with it (first attempts, and those without a name), in the
-- order it was seen; the same of many at once, beside each other: $1 rounds, $2 endpoints, $3 vantages, which of them ("nth") from 1;
-- $4 how many of each at most; $5 and $6 as case_span has them: given as values, they keep the other days out of the plan.
WITH asked AS (
    SELECT k.nth, k.round_id, k.endpoint_id, k.vantage_id, r.start_at - interval '2 hours' AS since, r.deadline_at + interval '2 hours' AS until
    FROM unnest($1, $2, $3) WITH ORDINALITY AS k (round_id, endpoint_id, vantage_id, nth)
    JOIN round r ON r.id = k.round_id
), subject AS (
    SELECT *, CASE WHEN no_sni THEN '' WHEN sni <> '' THEN sni ELSE host END AS name FROM endpoint WHERE id = ANY ($2)
), place AS (
    SELECT id AS subject_id, id AS place_id FROM subject
    UNION ALL
    SELECT s.id, o.id
    FROM subject s
    JOIN endpoint o ON o.site_id = s.site_id OR (o.site_id IS NULL AND s.site_id IS NULL)
    WHERE s.role = 1 AND o.role = 2 AND CASE WHEN o.no_sni THEN '' WHEN o.sni <> '' THEN o.sni ELSE o.host END = s.name
), seen AS (
    SELECT asked.nth, p.id AS endpoint_id, p.role, p.host, p.port, p.sni, p.no_sni, coalesce(host(p.address), '') AS address, p.starttls,
           a.evidence, row_number() OVER (PARTITION BY asked.nth ORDER BY p.id <> asked.endpoint_id, p.id, a.start_at, a.sequence) AS n
    FROM asked
    JOIN place ON place.subject_id = asked.endpoint_id
    JOIN endpoint p ON p.id = place.place_id
    JOIN attempt a ON a.endpoint_id = p.id AND a.round_id = asked.round_id AND a.vantage_id = asked.vantage_id
    WHERE a.start_at >= asked.since AND a.start_at < asked.until
      AND a.start_at >= $5 AND a.start_at < $6
      AND (p.id = asked.endpoint_id OR a.role = 0 OR a.variant = 3)
)
SELECT nth, endpoint_id, role, host, port, sni, no_sni, address, starttls, evidence
FROM seen
WHERE n <= $4
ORDER BY nth, n
