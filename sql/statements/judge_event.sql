-- params: bigint, bigint, bigint, smallint, double precision, jsonb
WITH event AS (
    INSERT INTO incident_event (incident_id, at, round_id, change, confidence, detail)
    VALUES ($1, timestamptz 'epoch' + $2 * interval '1 microsecond', $3, $4, $5, $6)
    RETURNING id
)
SELECT pg_notify('parallax_incident', id::text) FROM event
