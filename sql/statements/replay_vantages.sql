-- params: integer[], text[], text[], bigint[], text[], text[], text[]
-- $1 id, $2 name, $3 region, $4 ASN (0: not known), $5 prefix, $6 country, $7 labels.
WITH made AS (
    INSERT INTO vantage (id, name, region, asn_given, asn, prefix, country, labels, certificate_sha256)
    OVERRIDING SYSTEM VALUE
    SELECT id, name, region, nullif(asn, 0), nullif(asn, 0), network(nullif(prefix, '')::inet), nullif(country, ''), labels::jsonb,
           sha256(convert_to(name, 'UTF8'))
    FROM unnest($1, $2, $3, $4, $5, $6, $7) AS said (id, name, region, asn, prefix, country, labels)
    RETURNING id
)
INSERT INTO vantage_cursor (vantage_id) SELECT id FROM made
