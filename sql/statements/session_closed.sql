-- params: integer
UPDATE vantage SET connected_since = NULL, last_seen_at = now() WHERE id = $1
