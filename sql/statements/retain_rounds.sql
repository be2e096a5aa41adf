-- params: timestamptz
-- The endpoints of a round go with it; what its vantages had no room for stays counted.
-- include: old_rounds
, seen AS (
    DELETE FROM round_vantage USING old WHERE round_id = old.id
)
DELETE FROM round USING old WHERE round.id = old.id
