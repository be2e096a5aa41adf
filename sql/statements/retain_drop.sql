-- params: date
SELECT attempt_drop($1) AS dropped
