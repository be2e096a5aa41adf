-- params: text, integer, boolean, smallint, smallint
INSERT INTO site (name, interval_s, sentinel, fetches, depth) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING RETURNING id
