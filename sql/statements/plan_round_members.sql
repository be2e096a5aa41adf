-- params: bigint, bigint[], integer[]
WITH probed AS (
    INSERT INTO round_endpoint (round_id, endpoint_id) SELECT $1, unnest($2)
)
INSERT INTO round_vantage (round_id, vantage_id, sent_at) SELECT $1, unnest($3), now()
