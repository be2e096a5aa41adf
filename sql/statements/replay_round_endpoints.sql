-- params: bigint[], bigint[]
INSERT INTO round_endpoint (round_id, endpoint_id) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING
