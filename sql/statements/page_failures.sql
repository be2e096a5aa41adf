-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- The last first attempt that failed of each endpoint from each vantage, with what it showed.
-- include: window
, last AS (
    SELECT endpoint_id, vantage_id, max(start_at) AS start_at
    FROM kept WHERE role = 0 AND stage <> 1 AND class <> 0
    GROUP BY endpoint_id, vantage_id
), failure AS (
    SELECT DISTINCT ON (a.endpoint_id, a.vantage_id) a.*
    FROM last l
    JOIN attempt a ON a.endpoint_id = l.endpoint_id AND a.vantage_id = l.vantage_id AND a.start_at = l.start_at
    WHERE a.role = 0 AND a.stage <> 1 AND a.class <> 0
      AND a.start_at BETWEEN (SELECT min(start_at) FROM last) AND (SELECT max(start_at) FROM last)
    ORDER BY a.endpoint_id, a.vantage_id, a.sequence DESC
)
-- include: failure
