-- params: text, integer, boolean, smallint
INSERT INTO site (name, interval_s, sentinel, fetches) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING RETURNING id
