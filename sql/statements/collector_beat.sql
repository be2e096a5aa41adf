-- params: bigint, text
-- fresh: its row was gone, because it had been taken for dead.
INSERT INTO collector (id, name) OVERRIDING SYSTEM VALUE VALUES ($1, $2)
ON CONFLICT (id) DO UPDATE SET seen_at = now(), name = excluded.name
RETURNING xmax = 0 AS fresh
