-- params: integer, bigint, bigint, bigint, bigint, integer
-- Times in microseconds since the Unix epoch. No row when this round is planned already.
INSERT INTO round (interval_s, start_at, spread_us, timeout_us, deadline_at, endpoints)
VALUES ($1, timestamptz 'epoch' + $2 * interval '1 microsecond', $3, $4,
        timestamptz 'epoch' + $5 * interval '1 microsecond', $6)
ON CONFLICT (interval_s, start_at) WHERE interval_s > 0 DO NOTHING
RETURNING id
