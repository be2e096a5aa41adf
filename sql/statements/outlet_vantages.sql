-- params: none
-- Vantages in force, for gauges. (Numbers of incident kinds and places: collector/diff/watch.h.)
SELECT v.name, v.region, coalesce(v.asn::text, '') AS asn, (v.connected_since IS NOT NULL)::int AS connected,
       extract(epoch FROM v.certificate_not_after - now())::float8 AS certificate_left_s,
       EXISTS (SELECT FROM incident i WHERE i.kind = 3 AND i.closed_at IS NULL AND i.vantage_id = v.id)::int AS aside
FROM vantage v
WHERE v.revoked_at IS NULL
ORDER BY v.name
