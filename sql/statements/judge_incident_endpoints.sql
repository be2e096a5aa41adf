-- params: bigint, bigint[]
WITH gone AS (
    DELETE FROM incident_endpoint WHERE incident_id = $1 AND endpoint_id <> ALL ($2)
)
INSERT INTO incident_endpoint (incident_id, endpoint_id) SELECT $1, unnest($2) ON CONFLICT DO NOTHING
