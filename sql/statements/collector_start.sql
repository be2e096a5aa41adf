-- params: text
-- A collector begins; what one of the same name left behind when it was killed is over.
WITH old AS (
    DELETE FROM collector WHERE name = $1 RETURNING id
), away AS (
    UPDATE vantage SET connected_since = NULL, collector_id = NULL FROM old WHERE collector_id = old.id
)
INSERT INTO collector (name) VALUES ($1) RETURNING id
