-- params: bigint, integer, boolean, smallint, smallint
-- $2 interval, $3 sentinel, $4 what is fetched, $5 depth; null: as it is. No row when nothing changes.
UPDATE site SET interval_s = coalesce($2, interval_s), sentinel = coalesce($3, sentinel), fetches = coalesce($4, fetches), depth = coalesce($5, depth)
WHERE id = $1 AND (interval_s, sentinel, fetches, depth) IS DISTINCT FROM
                  (coalesce($2, interval_s), coalesce($3, sentinel), coalesce($4, fetches), coalesce($5, depth)) RETURNING id
