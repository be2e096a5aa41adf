-- params: bytea
-- One row when the key was never used before.
INSERT INTO vantage_key (key_sha256) VALUES ($1) ON CONFLICT DO NOTHING RETURNING used_at
