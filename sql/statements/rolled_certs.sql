-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_certs.
-- include: rolled
, looked AS (
    SELECT endpoint_id, vantage_id, chain_id
    FROM rollup_look
    WHERE chain_id <> 0 AND ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
    GROUP BY endpoint_id, vantage_id, chain_id
), kept AS (SELECT * FROM looked JOIN place USING (endpoint_id) JOIN who USING (vantage_id))
-- include: certs
