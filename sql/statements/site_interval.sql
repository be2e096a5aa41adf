-- params: bigint, integer
UPDATE site SET interval_s = $2 WHERE id = $1 AND interval_s <> $2 RETURNING id
