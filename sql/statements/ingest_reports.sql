-- params: bigint[], integer[], integer[], integer[], integer[], integer[]
-- Of two reports on one round the later one counts, but what they say was dropped adds up.
INSERT INTO round_vantage AS old (round_id, vantage_id, reported_at, attempts, refused, late, dropped)
SELECT DISTINCT ON (sent.round_id, sent.vantage_id)
       sent.round_id, sent.vantage_id, now(), sent.attempts, sent.refused, sent.late,
       least(sum(sent.dropped) OVER (PARTITION BY sent.round_id, sent.vantage_id), 2147483647)::integer
FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS sent (round_id, vantage_id, attempts, refused, late, dropped, nth)
JOIN round ON round.id = sent.round_id
ORDER BY sent.round_id, sent.vantage_id, nth DESC
ON CONFLICT (round_id, vantage_id) DO UPDATE
SET reported_at = excluded.reported_at, attempts = excluded.attempts, refused = excluded.refused,
    late = excluded.late, dropped = least(old.dropped::bigint + excluded.dropped, 2147483647)::integer
