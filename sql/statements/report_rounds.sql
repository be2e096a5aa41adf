-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- How many rounds a window holds, and when they were.
-- $1 site, $2 since, $3 until, $4 region, $5 ASN, $6 last rounds of each endpoint, $7 round; null: any.
WITH seen AS (
    SELECT a.endpoint_id, a.round_id, a.start_at,
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
SELECT count(DISTINCT round_id) AS rounds, count(*) AS attempts,
       to_char(min(start_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS first_at,
       to_char(max(start_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_at
FROM kept
