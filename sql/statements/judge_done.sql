-- params: bigint
UPDATE round SET judged_at = now() WHERE id = $1 AND judged_at IS NULL RETURNING id
