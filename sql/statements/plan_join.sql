-- params: bigint[], integer
-- A vantage that connected after the plan was made.
WITH joined AS (
    INSERT INTO round_vantage (round_id, vantage_id, sent_at) SELECT unnest($1), $2, now()
    ON CONFLICT (round_id, vantage_id) DO NOTHING RETURNING round_id
)
UPDATE round SET vantages = vantages + 1 FROM joined WHERE round.id = joined.round_id
