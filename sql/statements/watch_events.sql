-- params: bigint, text
-- What happened to incidents after an event, of one site or of all.
WITH events AS (
    SELECT ev.* FROM incident_event ev
    WHERE ev.id > $1
      AND ($2 IS NULL OR EXISTS (SELECT FROM incident_endpoint ie JOIN endpoint e ON e.id = ie.endpoint_id JOIN site s ON s.id = e.site_id
                         WHERE ie.incident_id = ev.incident_id AND s.name = $2))
    ORDER BY ev.id LIMIT 1000
), incidents AS (SELECT * FROM incident WHERE id IN (SELECT incident_id FROM events))
-- include: incident
SELECT events.id AS event_id, events.change, to_char(events.at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, shown.*
FROM events
JOIN shown ON shown.id = events.incident_id
ORDER BY events.id
