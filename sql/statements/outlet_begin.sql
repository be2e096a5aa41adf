-- params: text
-- A receiver that is new is told of what happens from now on.
INSERT INTO alert_cursor (receiver, event_id) SELECT $1, coalesce(max(id), 0) FROM incident_event
ON CONFLICT (receiver) DO NOTHING
