-- params: bigint[], integer[], integer[], integer[], integer[], integer[]
INSERT INTO round_vantage AS old (round_id, vantage_id, reported_at, attempts, refused, late, dropped)
SELECT sent.round_id, sent.vantage_id, now(), sent.attempts, sent.refused, sent.late, sent.dropped
FROM unnest($1, $2, $3, $4, $5, $6) AS sent (round_id, vantage_id, attempts, refused, late, dropped)
JOIN round ON round.id = sent.round_id
ON CONFLICT (round_id, vantage_id) DO UPDATE
SET reported_at = excluded.reported_at, attempts = excluded.attempts, refused = excluded.refused,
    late = excluded.late, dropped = excluded.dropped
