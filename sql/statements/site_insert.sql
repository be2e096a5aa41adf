-- params: text, integer, smallint
INSERT INTO site (name, interval_s, fetches) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING RETURNING id
