-- params: text
-- The first event that a receiver has not been told of.
-- include: told
SELECT ev.id AS event_id, ev.change, to_char(ev.at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, ev.round_id, ev.confidence AS event_confidence,
       told.*
FROM incident_event ev
JOIN told ON told.id = ev.incident_id
WHERE ev.id > (SELECT event_id FROM alert_cursor WHERE receiver = $1)
ORDER BY ev.id LIMIT 1
