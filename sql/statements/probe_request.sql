-- params: bigint[]
WITH asked AS (INSERT INTO round_request (endpoint_ids) VALUES ($1) RETURNING id)
SELECT id, pg_notify('parallax_request', id::text) FROM asked
