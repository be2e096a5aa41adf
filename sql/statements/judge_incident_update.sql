-- params: bigint, text, smallint, bigint, bigint, bigint, bigint, bigint, smallint, bigint, integer, text, bigint, inet, text, text, smallint, smallint, smallint, integer, text, boolean, double precision, integer, integer, boolean, double precision, integer, jsonb
-- $1 its id. What a condition said stays when a round has nothing to say of it, and the facts as long as the cause is the same. Times in microseconds since the Unix epoch; $6 null while it is open.
UPDATE incident
SET key = $2, kind = $3, opened_at = timestamptz 'epoch' + $4 * interval '1 microsecond',
    updated_at = timestamptz 'epoch' + $5 * interval '1 microsecond',
    closed_at = timestamptz 'epoch' + $6 * interval '1 microsecond', first_round = $7, last_round = $8, place = $9,
    endpoint_id = $10, vantage_id = $11, region = $12, asn = $13, address = $14, edge = $15, pop = $16, stage = $17,
    class = $18, raw_kind = $19, raw = $20, cause = $21, confirmed = $22, confidence = $23, rounds_failed = $24,
    rounds = $25, flapping = $26, flap_penalty = $27, transitions = $28,
    detail = jsonb_strip_nulls(jsonb_build_object('condition', detail -> 'condition',
                                                  'facts', CASE WHEN cause = $21 THEN detail -> 'facts' END)) || $29
WHERE id = $1
RETURNING id, detail ? 'facts' AS has_facts
