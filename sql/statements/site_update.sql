-- params: bigint, integer, smallint
-- Null leaves a setting as it is.
UPDATE site SET interval_s = coalesce($2, interval_s), fetches = coalesce($3, fetches)
WHERE id = $1 AND (interval_s, fetches) IS DISTINCT FROM (coalesce($2, interval_s), coalesce($3, fetches)) RETURNING id
