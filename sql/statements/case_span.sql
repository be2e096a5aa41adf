-- params: bigint[]
-- Between which times the attempts of some rounds are looked for: two hours at either side are more than a record may be off by.
SELECT min(start_at) - interval '2 hours' AS since, max(deadline_at) + interval '2 hours' AS until FROM round WHERE id = ANY ($1)
