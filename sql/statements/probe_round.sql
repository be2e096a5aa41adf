-- params: bigint
-- How far a round is: who was asked, who reported, who is missing, and whether its time is up.
SELECT count(rv.vantage_id) AS asked, count(rv.reported_at) AS reported,
       coalesce(string_agg(v.name, ', ' ORDER BY v.name) FILTER (WHERE rv.reported_at IS NULL), '') AS missing,
       now() > r.deadline_at AS overdue,
       round(extract(epoch FROM CASE WHEN count(rv.reported_at) = count(rv.vantage_id) THEN max(rv.reported_at) ELSE now() END
             - r.start_at) * 1000)::bigint AS took_ms
FROM round r
LEFT JOIN round_vantage rv ON rv.round_id = r.id
LEFT JOIN vantage v ON v.id = rv.vantage_id
WHERE r.id = $1
GROUP BY r.id
