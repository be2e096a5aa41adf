-- params: bigint, text, smallint, bigint, bigint, bigint, bigint, bigint, smallint, bigint, integer, text, bigint, inet, text, text, smallint, smallint, smallint, integer, text, boolean, double precision, integer, integer, boolean, double precision, integer, jsonb
-- The parameters are those of judge_incident_update; $1 is not used. Times in microseconds since the Unix epoch.
INSERT INTO incident (key, kind, opened_at, updated_at, closed_at, first_round, last_round, place, endpoint_id, vantage_id, region,
                      asn, address, edge, pop, stage, class, raw_kind, raw, cause, confirmed, confidence, rounds_failed, rounds,
                      flapping, flap_penalty, transitions, detail)
VALUES ($2, $3, timestamptz 'epoch' + $4 * interval '1 microsecond', timestamptz 'epoch' + $5 * interval '1 microsecond',
        timestamptz 'epoch' + $6 * interval '1 microsecond', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)
ON CONFLICT (key) WHERE closed_at IS NULL DO UPDATE SET updated_at = excluded.updated_at
RETURNING id, detail ? 'facts' AS has_facts
