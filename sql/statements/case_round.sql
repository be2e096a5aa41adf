-- params: bigint
-- Between which times the attempts of a round are looked for: two hours at either side are more than a record may be off by.
SELECT start_at - interval '2 hours' AS since, deadline_at + interval '2 hours' AS until FROM round WHERE id = $1
