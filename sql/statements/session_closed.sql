-- params: integer, bigint, bigint
-- Only of the session in force, and only when its vantage has not gone over to another collector meanwhile.
UPDATE vantage SET connected_since = NULL, collector_id = NULL, last_seen_at = now()
FROM vantage_cursor AS cursor
WHERE id = $1 AND cursor.vantage_id = id AND cursor.session = $2 AND collector_id = $3
