-- params: bigint
-- The rows stay, because attempts refer to them.
UPDATE endpoint SET removed_at = now() WHERE site_id = $1 AND removed_at IS NULL
