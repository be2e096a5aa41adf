-- params: integer
-- What Alertmanager is told again and again: incidents that are open, and those that have ended less than $1 seconds ago.
WITH incidents AS (
    SELECT * FROM incident
    WHERE closed_at IS NULL OR closed_at > now() - $1 * interval '1 second'
    ORDER BY id LIMIT 1000
)
-- include: incident
SELECT * FROM shown ORDER BY id
