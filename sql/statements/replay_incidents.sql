-- params: none
-- Every incident, with the endpoints it is about.
SELECT i.id, i.key, i.kind, i.place, i.region, i.asn, v.name AS vantage, host(i.address) AS address, i.edge, i.pop, i.class, i.cause,
       i.confirmed, i.confidence, i.flapping, (extract(epoch FROM i.opened_at) * 1000000)::bigint AS opened_us,
       (extract(epoch FROM i.closed_at) * 1000000)::bigint AS closed_us, i.detail,
       to_jsonb(ARRAY(SELECT endpoint_id FROM incident_endpoint WHERE incident_id = i.id ORDER BY endpoint_id)) AS endpoints
FROM incident i LEFT JOIN vantage v ON v.id = i.vantage_id
ORDER BY i.opened_at, i.id
