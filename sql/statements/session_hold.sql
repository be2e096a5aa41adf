-- params: bigint, integer[], bigint[]
-- A collector that was taken for dead says which sessions it still has. (One that was opened elsewhere since is not its own.)
UPDATE vantage SET connected_since = coalesce(connected_since, now()), collector_id = $1
FROM unnest($2, $3) AS held (vantage_id, session) JOIN vantage_cursor AS cursor USING (vantage_id, session)
WHERE id = held.vantage_id AND revoked_at IS NULL
