-- params: bigint
-- Incidents that are open, or were closed less than $1 microseconds before the last judged round.
SELECT i.id, i.key, i.kind, (extract(epoch FROM i.opened_at) * 1000000)::bigint AS opened_us,
       (extract(epoch FROM i.updated_at) * 1000000)::bigint AS updated_us,
       (extract(epoch FROM i.closed_at) * 1000000)::bigint AS closed_us, i.first_round, i.last_round, i.place,
       coalesce(i.endpoint_id, 0) AS endpoint_id, coalesce(i.vantage_id, 0) AS vantage_id, coalesce(i.region, '') AS region,
       coalesce(i.asn, 0) AS asn, coalesce(host(i.address), '') AS address, coalesce(i.edge, '') AS edge, coalesce(i.pop, '') AS pop,
       i.class, i.raw_kind, i.raw, i.cause, i.confirmed::integer AS confirmed, i.confidence, i.rounds_failed, i.rounds,
       i.flapping::integer AS flapping, i.flap_penalty, i.transitions, i.detail,
       to_jsonb(ARRAY(SELECT endpoint_id FROM incident_endpoint WHERE incident_id = i.id ORDER BY endpoint_id)) AS endpoints
FROM incident i
WHERE i.closed_at IS NULL
   OR i.closed_at > (SELECT max(start_at) FROM round WHERE judged_at IS NOT NULL) - $1 * interval '1 microsecond'
ORDER BY i.id
