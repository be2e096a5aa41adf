-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- How many rounds a window holds, and when they were.
-- include: window
SELECT count(DISTINCT round_id) AS rounds, count(*) AS attempts,
       to_char(min(start_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS first_at,
       to_char(max(start_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_at
FROM kept
