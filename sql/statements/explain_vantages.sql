-- params: bigint
-- What each vantage saw of incident $1's endpoints in its last hour, from a little before it was opened: those that see it first.
-- Edges that only answer for their origin are no evidence.
WITH span AS (
    SELECT i.id, i.detail, i.vantage_id, greatest(i.opened_at - interval '10 minutes', coalesce(i.closed_at, i.updated_at) - interval '1 hour') AS since,
           coalesce(i.closed_at, now()) AS until
    FROM incident i WHERE i.id = $1
), seen AS (
    SELECT a.vantage_id, a.role, a.stage, a.class, a.raw_kind, a.raw
    FROM span
    JOIN incident_endpoint ie ON ie.incident_id = span.id
     AND NOT coalesce(span.detail -> 'followers' @> jsonb_build_array(jsonb_build_object('endpoint_id', ie.endpoint_id)), false)
    JOIN attempt a ON a.endpoint_id = ie.endpoint_id AND a.variant IN (0, 1)
     AND a.start_at >= (SELECT since FROM span) AND a.start_at < (SELECT until FROM span)
), counted AS (
    SELECT vantage_id, count(*) FILTER (WHERE role = 0 AND stage <> 1) AS attempts,
           count(*) FILTER (WHERE role = 0 AND stage <> 1 AND class <> 0) AS failed,
           count(*) FILTER (WHERE role = 1 AND stage <> 1) AS confirm_attempts,
           count(*) FILTER (WHERE role = 1 AND stage <> 1 AND class <> 0) AS confirm_failed,
           count(*) FILTER (WHERE role = 0 AND stage = 1) AS local,
           mode() WITHIN GROUP (ORDER BY class) FILTER (WHERE role = 0 AND stage <> 1 AND class <> 0) AS class
    FROM seen GROUP BY vantage_id
)
SELECT v.name AS vantage, v.region, v.asn, c.attempts, c.failed, c.confirm_attempts, c.confirm_failed, c.local,
       c.class, 0 AS raw_kind, 0 AS raw, (span.detail -> 'vantages' @> to_jsonb(v.id) OR v.id IS NOT DISTINCT FROM span.vantage_id) AS inside
FROM counted c
JOIN vantage v ON v.id = c.vantage_id
CROSS JOIN span
ORDER BY inside DESC NULLS LAST, v.region, v.name
