-- Rounds from before $1 that are over and judged, and that no incident names, as "old".
WITH named AS (
    SELECT first_round AS round_id FROM incident
    UNION SELECT last_round FROM incident
    UNION SELECT round_id FROM incident_event WHERE round_id IS NOT NULL
), old AS (
    SELECT r.id FROM round r
    WHERE r.start_at < $1 AND r.closed_at IS NOT NULL AND r.judged_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM named WHERE named.round_id = r.id)
)
