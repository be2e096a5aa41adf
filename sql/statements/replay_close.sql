-- params: none
-- A file holds all there will be of its rounds.
UPDATE round
SET closed_at = now(),
    vantages = (SELECT count(*) FROM round_vantage WHERE round_id = id),
    endpoints = (SELECT count(*) FROM round_endpoint WHERE round_id = id)
WHERE closed_at IS NULL
