-- params: text, integer, boolean
INSERT INTO site (name, interval_s, sentinel) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING RETURNING id
