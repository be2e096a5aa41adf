-- params: none
SELECT id FROM incident ORDER BY opened_at, id
