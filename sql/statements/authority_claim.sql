-- params: bytea
-- The first collector of a database makes its authority that of all of them.
INSERT INTO authority (fingerprint) VALUES ($1) ON CONFLICT DO NOTHING
