-- params: bigint[], integer[], bigint[], bigint[], bigint[], bigint[]
-- $1 id, $2 interval, $3 start, $4 spread, $5 time-out, $6 deadline. Times in microseconds since the Unix epoch.
INSERT INTO round (id, interval_s, start_at, spread_us, timeout_us, deadline_at, endpoints) OVERRIDING SYSTEM VALUE
SELECT id, interval_s, timestamptz 'epoch' + start_us * interval '1 microsecond', spread_us, timeout_us,
       timestamptz 'epoch' + deadline_us * interval '1 microsecond', 0
FROM unnest($1, $2, $3, $4, $5, $6) AS said (id, interval_s, start_us, spread_us, timeout_us, deadline_us)
