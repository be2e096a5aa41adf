-- params: text, integer
INSERT INTO site (name, interval_s) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING id
