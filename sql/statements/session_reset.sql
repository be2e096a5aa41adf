-- params: bigint
-- A collector that stops: nobody is connected to it, and it is none of the database's collectors any more.
WITH away AS (
    UPDATE vantage SET connected_since = NULL, collector_id = NULL WHERE collector_id = $1
)
DELETE FROM collector WHERE id = $1
