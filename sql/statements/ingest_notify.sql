-- params: bigint[]
-- Somebody waits for the rows of a round that was asked for.
SELECT pg_notify('parallax_round', id::text) FROM round WHERE id = ANY ($1) AND interval_s = 0
