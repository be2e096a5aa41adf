-- params: bigint[], bigint[], integer[], bigint[]
-- Adds up over reports. What is told of an endpoint or a round that is not there counts under 0.
INSERT INTO dropped AS old (endpoint_id, round_id, vantage_id, count)
SELECT coalesce(endpoint.id, 0), coalesce(round.id, 0), sent.vantage_id, sum(sent.count)::bigint
FROM unnest($1, $2, $3, $4) AS sent (endpoint_id, round_id, vantage_id, count)
LEFT JOIN endpoint ON endpoint.id = sent.endpoint_id
LEFT JOIN round ON round.id = sent.round_id
GROUP BY 1, 2, 3
ON CONFLICT (endpoint_id, round_id, vantage_id) DO UPDATE
SET count = least(old.count::numeric + excluded.count, 9223372036854775807)::bigint
