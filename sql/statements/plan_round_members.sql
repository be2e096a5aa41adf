-- params: bigint, bigint[]
-- Every vantage that is connected, to whichever collector; the others are told, and send the plan to theirs.
WITH probed AS (
    INSERT INTO round_endpoint (round_id, endpoint_id) SELECT $1, unnest($2)
), asked AS (
    INSERT INTO round_vantage (round_id, vantage_id, sent_at)
    SELECT $1, id, now() FROM vantage WHERE connected_since IS NOT NULL AND revoked_at IS NULL
    RETURNING vantage_id
), counted AS (
    UPDATE round SET vantages = (SELECT count(*) FROM asked) WHERE id = $1
)
SELECT pg_notify('parallax_plan', $1::text)
