, shown AS ( -- "incidents" as people and their programs are told of them
    SELECT i.id, i.key, i.kind, i.place, i.endpoint_id, place_vantage.name AS vantage, i.region, i.asn, coalesce(host(i.address), '') AS address,
           i.edge, i.pop, i.class, i.raw_kind, i.raw, i.cause, i.confirmed, i.confidence, i.rounds_failed, i.rounds, i.flapping, i.transitions,
           to_char(i.opened_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS opened_at, to_char(i.updated_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS updated_at,
           to_char(i.closed_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS closed_at, i.first_round, i.last_round, i.detail, i.alert_labels,
           coalesce((SELECT jsonb_agg(DISTINCT s.name ORDER BY s.name)
                     FROM incident_endpoint ie
                     JOIN endpoint e ON e.id = ie.endpoint_id
                     JOIN site s ON s.id = e.site_id
                     WHERE ie.incident_id = i.id), '[]') AS sites,
           coalesce((SELECT jsonb_agg(jsonb_build_object('id', e.id, 'site', coalesce(s.name, ''), 'role', e.role, 'host', e.host, 'port', e.port,
                                                         'address', coalesce(host(e.address), '')) ORDER BY e.id)
                     FROM incident_endpoint ie
                     JOIN endpoint e ON e.id = ie.endpoint_id
                     LEFT JOIN site s ON s.id = e.site_id
                     WHERE ie.incident_id = i.id), '[]') AS endpoints,
           coalesce((SELECT jsonb_agg(v.name ORDER BY v.name) FROM vantage v WHERE i.detail -> 'vantages' @> to_jsonb(v.id)), '[]') AS vantages
    FROM incidents i
    LEFT JOIN vantage place_vantage ON place_vantage.id = i.vantage_id
)
