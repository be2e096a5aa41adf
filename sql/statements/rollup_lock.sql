-- params: bigint
-- One program counts at a time, until its transaction ends.
SELECT pg_advisory_xact_lock($1)
