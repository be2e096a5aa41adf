-- params: none
-- Incidents that are open, counted for gauges.
SELECT kind, place, count(*) AS open FROM incident WHERE closed_at IS NULL GROUP BY kind, place
