-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- Each vantage, what it did in a window, and how far from their slots its attempts started.
-- include: window
, counted AS (
    SELECT vantage_id,
           count(*) FILTER (WHERE stage <> 1) AS attempts,
           count(*) FILTER (WHERE stage <> 1 AND class <> 0) AS failed,
           count(*) FILTER (WHERE stage = 1) AS local,
           count(*) FILTER (WHERE class = 10) AS refused, -- by the vantage's owner
           percentile_disc(0.99) WITHIN GROUP (ORDER BY abs(extract(epoch FROM start_at - slot_at)) * 1000000)::bigint AS skew_p99_us
    FROM kept WHERE role = 0
    GROUP BY vantage_id
)
-- include: vantages
