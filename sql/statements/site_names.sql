-- params: none
SELECT name FROM site ORDER BY name LIMIT 10000
