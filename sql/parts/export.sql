-- The attempts to export, as "kept", and the vantages that may be named.
-- $1 site (and all sentinels, which vantages are held against), $2 since, $3 until, $4 region, $5 ASN, $6 round; null: any.
-- $7 whether vantages are called by their region and a number.
WITH named AS (
    SELECT id, region, asn, prefix, country, labels,
           CASE WHEN $7 THEN region || '-' || row_number() OVER (PARTITION BY region ORDER BY id) ELSE name END AS name
    FROM vantage
), allowed AS (
    SELECT * FROM named WHERE ($4 IS NULL OR region = $4) AND ($5 IS NULL OR asn = $5)
), kept AS (
    SELECT a.*, v.name AS vantage, v.asn AS vantage_asn
    FROM attempt a
    JOIN endpoint e ON e.id = a.endpoint_id
    JOIN allowed v ON v.id = a.vantage_id
    LEFT JOIN site s ON s.id = e.site_id
    WHERE ($1 IS NULL OR s.name = $1 OR s.sentinel)
      AND ($2 IS NULL OR a.start_at >= $2)
      AND ($3 IS NULL OR a.start_at < $3)
      AND ($6 IS NULL OR (a.round_id = $6 AND a.start_at >= (SELECT start_at FROM round WHERE id = $6) - interval '2 hours'
                          AND a.start_at < (SELECT deadline_at FROM round WHERE id = $6) + interval '2 hours'))
)
