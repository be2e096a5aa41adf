-- params: none
-- Who took part in a round was asked to, whatever else is said; then the round's counts.
WITH seen AS (
    SELECT DISTINCT round_id, vantage_id, endpoint_id FROM attempt WHERE round_id IS NOT NULL
), vantages AS (
    INSERT INTO round_vantage (round_id, vantage_id, sent_at)
    SELECT DISTINCT seen.round_id, seen.vantage_id, round.start_at FROM seen JOIN round ON round.id = seen.round_id
    ON CONFLICT DO NOTHING
)
INSERT INTO round_endpoint (round_id, endpoint_id) SELECT DISTINCT round_id, endpoint_id FROM seen ON CONFLICT DO NOTHING
