-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- Attempts of a window by cell, role and outcome; the most common outcomes first.
-- $1 site, $2 since, $3 until, $4 region, $5 ASN, $6 last rounds of each endpoint, $7 round; null: any.
WITH seen AS (
    SELECT a.endpoint_id, a.vantage_id, a.role, a.class, a.raw_kind, a.raw,
           coalesce(family(a.address), 0) AS family,
           dense_rank() OVER (PARTITION BY a.endpoint_id ORDER BY a.round_id DESC NULLS LAST) AS age
    FROM attempt a
    JOIN endpoint e ON e.id = a.endpoint_id
    JOIN vantage v ON v.id = a.vantage_id
    LEFT JOIN site s ON s.id = e.site_id
    WHERE e.removed_at IS NULL
      AND ($1 IS NULL OR s.name = $1)
      AND ($2 IS NULL OR a.start_at >= $2)
      AND ($3 IS NULL OR a.start_at < $3)
      AND ($4 IS NULL OR v.region = $4)
      AND ($5 IS NULL OR v.asn = $5)
      AND ($7 IS NULL OR a.round_id = $7)
), kept AS (SELECT * FROM seen WHERE $6 IS NULL OR age <= $6)
SELECT endpoint_id, vantage_id, role, class, raw_kind, raw, family, count(*) AS count
FROM kept
GROUP BY endpoint_id, vantage_id, role, class, raw_kind, raw, family
ORDER BY endpoint_id, vantage_id, count DESC
