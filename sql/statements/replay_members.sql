-- params: none
-- Who took part in a round was asked to, whatever else is said.
INSERT INTO round_vantage (round_id, vantage_id, sent_at)
SELECT DISTINCT attempt.round_id, attempt.vantage_id, round.start_at FROM attempt JOIN round ON round.id = attempt.round_id
ON CONFLICT DO NOTHING
