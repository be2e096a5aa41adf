-- params: text
-- The first event that a receiver has not been told of.
WITH event AS (
    SELECT * FROM incident_event
    WHERE id > (SELECT event_id FROM alert_cursor WHERE receiver = $1)
    ORDER BY id LIMIT 1
), incidents AS (SELECT * FROM incident WHERE id = (SELECT incident_id FROM event))
-- include: incident
SELECT event.id AS event_id, event.change, to_char(event.at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, event.round_id,
       event.confidence AS event_confidence, shown.*
FROM event
JOIN shown ON shown.id = event.incident_id
