-- params: none
SELECT coalesce(max(id), 0) AS event_id FROM incident_event
