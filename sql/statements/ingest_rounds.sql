-- params: bigint[], bigint[]
-- Which of the rounds exist, and which of the endpoints are of them; times in microseconds since the Unix epoch.
SELECT round.id, member.endpoint_id, (extract(epoch FROM round.start_at) * 1000000)::bigint AS start_us,
       round.spread_us, (extract(epoch FROM round.deadline_at) * 1000000)::bigint AS deadline_us
FROM unnest($1, $2) AS said (round_id, endpoint_id)
JOIN round ON round.id = said.round_id
LEFT JOIN round_endpoint AS member ON member.round_id = said.round_id AND member.endpoint_id = said.endpoint_id
ORDER BY round.id, member.endpoint_id
