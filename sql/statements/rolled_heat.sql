-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint, bigint
-- As page_heat; $8 is a multiple of ten minutes, from an hour on one of hours.
-- include: rolled
, counts AS (
    SELECT endpoint_id, vantage_id, bucket_at AS at, class, count FROM rollup_count
    WHERE $8 < 3600 AND role = 0 AND class NOT BETWEEN 10 AND 19 AND ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
    UNION ALL
    SELECT endpoint_id, vantage_id, hour_at, class, count FROM rollup_count_hour
    WHERE $8 >= 3600 AND role = 0 AND class NOT BETWEEN 10 AND 19
      AND ($2 IS NULL OR hour_at >= date_bin('1 hour', $2, timestamptz 'epoch')) AND ($3 IS NULL OR hour_at < $3)
), sliced AS (
    SELECT endpoint_id, vantage_id, floor(extract(epoch FROM at) / $8)::bigint AS slice, class, sum(count) AS count
    FROM counts JOIN place USING (endpoint_id) JOIN who USING (vantage_id)
    GROUP BY endpoint_id, vantage_id, slice, class
)
SELECT endpoint_id, vantage_id, slice, sum(count)::bigint AS attempts, coalesce(sum(count) FILTER (WHERE class <> 0), 0)::bigint AS failed,
       (array_agg(class ORDER BY count DESC) FILTER (WHERE class <> 0))[1] AS class
FROM sliced
GROUP BY endpoint_id, vantage_id, slice
