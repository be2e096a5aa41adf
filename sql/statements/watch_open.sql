-- params: text
-- Incidents that are open now, of one site or of all.
WITH incidents AS (
    SELECT i.* FROM incident i
    WHERE i.closed_at IS NULL
      AND ($1 IS NULL OR EXISTS (SELECT FROM incident_endpoint ie JOIN endpoint e ON e.id = ie.endpoint_id JOIN site s ON s.id = e.site_id
                         WHERE ie.incident_id = i.id AND s.name = $1)))
-- include: incident
SELECT * FROM shown ORDER BY kind, opened_at, id
