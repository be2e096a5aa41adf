-- params: bigint[], integer[]
-- Vantages that connected after these plans were made.
WITH joined AS (
    INSERT INTO round_vantage (round_id, vantage_id, sent_at)
    SELECT round_id, vantage_id, now() FROM unnest($1) AS round_id CROSS JOIN unnest($2) AS vantage_id
    ON CONFLICT (round_id, vantage_id) DO NOTHING RETURNING round_id
), counted AS (
    SELECT round_id, count(*) AS vantages FROM joined GROUP BY round_id
)
UPDATE round SET vantages = round.vantages + counted.vantages FROM counted WHERE round.id = counted.round_id
