-- params: integer[], bigint[]
WITH moved AS (
    UPDATE vantage_cursor AS cursor SET committed = sent.committed
    FROM unnest($1, $2) AS sent (vantage_id, committed)
    WHERE cursor.vantage_id = sent.vantage_id AND cursor.committed < sent.committed
)
UPDATE vantage SET last_seen_at = now() WHERE id = ANY ($1)
