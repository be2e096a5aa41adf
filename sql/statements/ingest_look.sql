-- params: integer[], bigint[], bigint[], bytea[], bytea[]
-- What a group has to know before its rows go in, in one answer:
--   cursor  a vantage's, with what is committed and the number of the session in force. The rows are locked in one order, so that two
--           collectors cannot wait for each other
--   round   of those that are said ($2, with endpoints $3) one that exists: an endpoint of them that is of it, or none; from when, for
--           how long, and until when, in microseconds (since the Unix epoch)
--   chain   its row, by its digest
--   wanted  a certificate that nobody has sent yet
WITH locked AS MATERIALIZED (
    SELECT vantage_id, committed, session FROM vantage_cursor WHERE vantage_id = ANY ($1) ORDER BY vantage_id FOR UPDATE
)
SELECT 'cursor' AS what, vantage_id::bigint AS id, committed AS first, session AS second, NULL::bigint AS third, NULL::bigint AS fourth,
       NULL AS hash
FROM locked
UNION ALL
SELECT 'round', round.id, member.endpoint_id, (extract(epoch FROM round.start_at) * 1000000)::bigint, round.spread_us,
       (extract(epoch FROM round.deadline_at) * 1000000)::bigint, NULL
FROM unnest($2, $3) AS said (round_id, endpoint_id)
JOIN round ON round.id = said.round_id
LEFT JOIN round_endpoint AS member ON member.round_id = said.round_id AND member.endpoint_id = said.endpoint_id
UNION ALL
SELECT 'chain', id, NULL, NULL, NULL, NULL, encode(digest, 'hex') FROM chain WHERE digest = ANY ($4)
UNION ALL
SELECT 'wanted', NULL, NULL, NULL, NULL, NULL, encode(sha256, 'hex') FROM certificate WHERE sha256 = ANY ($5) AND der IS NULL
ORDER BY what, id, first
