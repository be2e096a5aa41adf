-- params: bigint, bigint, bigint, smallint, double precision, jsonb
INSERT INTO incident_event (incident_id, at, round_id, change, confidence, detail)
VALUES ($1, timestamptz 'epoch' + $2 * interval '1 microsecond', $3, $4, $5, $6)
