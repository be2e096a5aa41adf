-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- Incidents that were open at any time of a window. $1 site, $2 since, $3 until, $4 region and $5 ASN of a vantage that sees it.
WITH incidents AS (
    SELECT i.* FROM incident i
    WHERE ($2 IS NULL OR i.closed_at IS NULL OR i.closed_at >= $2)
      AND ($3 IS NULL OR i.opened_at < $3)
      AND ($1 IS NULL OR EXISTS (SELECT FROM incident_endpoint ie JOIN endpoint e ON e.id = ie.endpoint_id JOIN site s ON s.id = e.site_id
                                 WHERE ie.incident_id = i.id AND s.name = $1))
      AND (($4 IS NULL AND $5 IS NULL)
           OR EXISTS (SELECT FROM vantage v WHERE ($4 IS NULL OR v.region = $4) AND ($5 IS NULL OR v.asn = $5)
                      AND (v.id = i.vantage_id OR i.detail -> 'vantages' @> to_jsonb(v.id))))
      AND $6 IS NULL AND $7 IS NULL
)
-- include: incident
SELECT * FROM shown ORDER BY (closed_at IS NOT NULL), opened_at DESC, id DESC
