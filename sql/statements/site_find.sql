-- params: text
SELECT id, name, interval_s FROM site WHERE name = $1
