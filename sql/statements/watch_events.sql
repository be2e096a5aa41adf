-- params: bigint, text
-- What happened to incidents after an event, of one site or of all.
-- include: told
SELECT ev.id AS event_id, ev.change, to_char(ev.at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, told.*
FROM incident_event ev
JOIN told ON told.id = ev.incident_id
WHERE ev.id > $1
  AND ($2 IS NULL OR EXISTS (SELECT FROM incident_endpoint ie JOIN endpoint e ON e.id = ie.endpoint_id JOIN site s ON s.id = e.site_id
                             WHERE ie.incident_id = told.id AND s.name = $2))
ORDER BY ev.id LIMIT 1000
