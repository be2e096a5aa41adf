-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_certs.
-- include: rolled
-- include: seen
, looked AS (
    SELECT endpoint_id, vantage_id, chain_id
    FROM seen
    WHERE chain_id <> 0
    GROUP BY endpoint_id, vantage_id, chain_id
), kept AS (SELECT * FROM looked JOIN place USING (endpoint_id) JOIN who USING (vantage_id))
-- include: certs
