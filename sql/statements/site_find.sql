-- params: text
SELECT id, name, interval_s, depth,
       concat_ws(' ', CASE WHEN fetches & 1 <> 0 THEN 'issuer' END, CASE WHEN fetches & 2 <> 0 THEN 'ocsp' END) AS fetch
FROM site WHERE name = $1
