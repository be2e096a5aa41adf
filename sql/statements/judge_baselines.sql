-- params: integer[], double precision[]
-- Ingest updates vantages too, in an order of its own: a row that it holds is left for the next round rather than waited for.
WITH learned AS (
    SELECT * FROM unnest($1, $2) AS l (vantage_id, rate)
), free AS (
    SELECT v.id, l.rate FROM vantage v JOIN learned l ON l.vantage_id = v.id
    WHERE v.baseline IS DISTINCT FROM l.rate
    FOR NO KEY UPDATE OF v SKIP LOCKED
)
UPDATE vantage v SET baseline = free.rate FROM free WHERE v.id = free.id
