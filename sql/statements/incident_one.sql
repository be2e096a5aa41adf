-- params: bigint
WITH incidents AS (SELECT * FROM incident WHERE id = $1)
-- include: incident
SELECT * FROM shown
