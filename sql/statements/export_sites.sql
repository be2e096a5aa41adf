-- params: text, timestamptz, timestamptz, text, bigint, bigint, boolean
-- include: export
SELECT name, interval_s, sentinel, CASE depth WHEN 1 THEN 'hello' ELSE 'full' END AS depth FROM site
WHERE id IN (SELECT site_id FROM endpoint WHERE id IN (SELECT endpoint_id FROM kept))
ORDER BY name
