-- params: bigint[], bigint[], smallint[], text[], integer[], text[], boolean[], text[]
-- $2 site (0: none), $8 address ('': none).
INSERT INTO endpoint (id, site_id, role, host, port, sni, no_sni, address) OVERRIDING SYSTEM VALUE
SELECT id, nullif(site_id, 0), role, host, port, sni, no_sni, nullif(address, '')::inet
FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS said (id, site_id, role, host, port, sni, no_sni, address)
