-- params: none
SELECT attempt_partitions(current_date, current_date + 7) AS made
