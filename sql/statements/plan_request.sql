-- params: none
-- The oldest request that somebody still waits for.
SELECT id, endpoint_ids, (SELECT count(*) FROM vantage WHERE connected_since IS NOT NULL AND revoked_at IS NULL) AS connected
FROM round_request
WHERE round_id IS NULL AND refusal IS NULL AND requested_at > now() - interval '1 minute'
ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
