-- params: bigint[], text[], integer[], boolean[]
INSERT INTO site (id, name, interval_s, sentinel) OVERRIDING SYSTEM VALUE SELECT * FROM unnest($1, $2, $3, $4)
