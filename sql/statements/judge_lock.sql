-- params: bigint
-- Of several collectors, the one whose connection holds this judges.
SELECT pg_try_advisory_lock($1) AS held
