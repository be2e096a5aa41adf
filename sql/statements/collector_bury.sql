-- params: none
-- Collectors that do not say any more that they live; the vantages of those, and of none, are away.
WITH dead AS (
    DELETE FROM collector WHERE seen_at < now() - interval '15 seconds' RETURNING id, name
), away AS (
    UPDATE vantage SET connected_since = NULL, collector_id = NULL
    WHERE connected_since IS NOT NULL AND (collector_id IS NULL OR collector_id IN (SELECT id FROM dead))
)
SELECT name FROM dead
