-- params: none
SELECT to_char(day, 'YYYY-MM-DD') AS day, attempts, bytes, pg_size_pretty(bytes) AS size FROM attempt_days()
