-- params: bigint
WITH judged AS (
    UPDATE round SET judged_at = now() WHERE id = $1 AND judged_at IS NULL RETURNING id
)
SELECT id, pg_notify('parallax_judged', id::text) FROM judged
