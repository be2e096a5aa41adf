-- params: none
WITH closed AS (
    UPDATE round SET closed_at = now() WHERE closed_at IS NULL AND deadline_at < now() RETURNING id, interval_s
)
SELECT id, CASE WHEN interval_s = 0 THEN pg_notify('parallax_round', id::text) END FROM closed
