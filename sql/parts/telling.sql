-- Of the rounds in which an endpoint failed in a way from a vantage ("failing"; "counts": such that may be the last one): the one that tells
-- most of why. A lasting failure is looked into once in a quarter of an hour, so that is how far back the round may lie before the last one
-- that failed so.
, dated AS (
    SELECT *, max(start_at) FILTER (WHERE counts) OVER (PARTITION BY endpoint_id, class, vantage_id) AS last_at FROM failing
)
SELECT DISTINCT ON (endpoint_id, class, vantage_id) endpoint_id, class, vantage_id, round_id
FROM dated
WHERE start_at BETWEEN last_at - interval '16 minutes' AND last_at
ORDER BY endpoint_id, class, vantage_id, attempts DESC, round_id DESC
