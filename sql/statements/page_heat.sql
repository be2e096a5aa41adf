-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint, bigint
-- First attempts of each endpoint from each vantage in slices of $8 seconds, with the outcome that is most common among those that fail.
-- include: window
SELECT endpoint_id, vantage_id, floor(extract(epoch FROM start_at) / $8)::bigint AS slice,
       count(*) FILTER (WHERE stage <> 1) AS attempts,
       count(*) FILTER (WHERE stage <> 1 AND class <> 0) AS failed,
       mode() WITHIN GROUP (ORDER BY class) FILTER (WHERE stage <> 1 AND class <> 0) AS class
FROM kept WHERE role = 0
GROUP BY endpoint_id, vantage_id, slice
