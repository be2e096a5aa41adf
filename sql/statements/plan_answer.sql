-- params: bigint, bigint, text
WITH answered AS (
    UPDATE round_request SET round_id = $2, refusal = $3 WHERE id = $1
)
SELECT pg_notify('parallax_round', coalesce($2, 0)::text)
