-- params: bigint, integer, boolean
-- $2 interval, $3 sentinel; null: as it is. No row when nothing changes.
UPDATE site SET interval_s = coalesce($2, interval_s), sentinel = coalesce($3, sentinel)
WHERE id = $1 AND (interval_s <> coalesce($2, interval_s) OR sentinel <> coalesce($3, sentinel)) RETURNING id
