-- params: bigint[], text[], integer[], boolean[], smallint[]
INSERT INTO site (id, name, interval_s, sentinel, depth) OVERRIDING SYSTEM VALUE SELECT * FROM unnest($1, $2, $3, $4, $5)
