-- Incidents as people are told of them, as "told": with names instead of ids, and the first of their endpoints (edges that
-- only answer for their origin are not counted).
WITH told AS (
    SELECT i.id, i.key, i.kind, i.place, i.opened_at, i.updated_at, i.closed_at,
           to_char(i.opened_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS opened, to_char(i.closed_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS closed,
           coalesce(i.region, '') AS region, coalesce(i.asn, 0) AS asn, coalesce(v.name, '') AS vantage,
           coalesce(i.edge, '') AS edge, coalesce(i.pop, '') AS pop, coalesce(host(i.address), '') AS address,
           i.class, i.raw_kind, i.raw, i.cause, i.confirmed::int AS confirmed, i.confidence, i.rounds_failed, i.rounds,
           i.flapping::int AS flapping, i.alert_labels,
           coalesce(i.detail #>> '{condition,aspect}', '') AS aspect, coalesce(i.detail #>> '{condition,value}', '') AS value,
           coalesce(i.detail #>> '{condition,other_value}', '') AS other_value,
           coalesce(i.detail #>> '{condition,not_after}', '') AS not_after,
           coalesce(n.endpoints, 0) AS endpoints, coalesce(n.sites, '') AS sites,
           coalesce(e.host, '') AS host, coalesce(e.port, 0) AS port, coalesce(e.role, 0) AS role,
           coalesce(host(e.address), '') AS endpoint_address
    FROM incident i
    LEFT JOIN vantage v ON v.id = i.vantage_id
    LEFT JOIN LATERAL (SELECT count(*) AS endpoints, string_agg(DISTINCT s.name, ', ' ORDER BY s.name) AS sites, min(ie.endpoint_id) AS first
                       FROM incident_endpoint ie
                       JOIN endpoint x ON x.id = ie.endpoint_id
                       LEFT JOIN site s ON s.id = x.site_id
                       WHERE ie.incident_id = i.id
                         AND NOT coalesce(i.detail -> 'followers' @> jsonb_build_array(jsonb_build_object('endpoint_id', ie.endpoint_id)), false)) AS n ON true
    LEFT JOIN endpoint e ON e.id = n.first
)
