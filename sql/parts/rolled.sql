-- Endpoints ("place") and vantages ("who") of a long window, whose attempts are read as counts of ten minutes.
-- $1 site, $2 since, $3 until, both at the edge of ten minutes, $4 region, $5 ASN; null: any. $6 and $7 are those of part "window", and not
-- used.
WITH place AS (
    SELECT e.id AS endpoint_id, coalesce(s.name, '') AS site, e.role AS endpoint_role, e.host, e.port,
           CASE WHEN e.no_sni THEN '' WHEN e.sni <> '' THEN e.sni ELSE e.host END AS sni, coalesce(host(e.address), '') AS address
    FROM endpoint e
    LEFT JOIN site s ON s.id = e.site_id
    WHERE e.removed_at IS NULL AND ($1 IS NULL OR s.name = $1)
), who AS (
    SELECT v.id AS vantage_id, v.name AS vantage, v.region, v.asn
    FROM vantage v
    WHERE ($4 IS NULL OR v.region = $4) AND ($5 IS NULL OR v.asn = $5)
)
