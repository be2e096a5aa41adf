-- params: bigint[], integer[]
INSERT INTO round_vantage (round_id, vantage_id, sent_at)
SELECT round.id, vantage_id, round.start_at FROM unnest($1, $2) AS said (round_id, vantage_id) JOIN round ON round.id = round_id
ON CONFLICT DO NOTHING
