-- params: integer[]
-- The rows are locked in one order, so that two collectors cannot wait for each other.
SELECT vantage_id, committed, session FROM vantage_cursor WHERE vantage_id = ANY ($1) ORDER BY vantage_id FOR UPDATE
