-- params: date
-- Attempts in attempt_default move to a partition of their day.
SELECT attempt_partitions($1, $1) AS made
