-- params: text, bigint
-- A receiver has been told of this event.
UPDATE alert_cursor SET event_id = $2 WHERE receiver = $1 AND event_id < $2
