-- params: text, timestamptz, timestamptz, text, bigint, integer, bigint
-- As report_rounds; the window begins and ends where the ten minutes do that hold anything, or the hours where only those are kept.
-- include: rolled
-- include: tally
, buckets AS NOT MATERIALIZED (
    SELECT bucket_at
    FROM rollup_count
    WHERE ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
      AND endpoint_id IN (SELECT endpoint_id FROM place) AND vantage_id IN (SELECT vantage_id FROM who)
), hours AS NOT MATERIALIZED (
    SELECT hour_at
    FROM rollup_count_hour
    WHERE ($2 IS NULL OR hour_at >= $2) AND ($3 IS NULL OR hour_at < $3)
      AND endpoint_id IN (SELECT endpoint_id FROM place) AND vantage_id IN (SELECT vantage_id FROM who)
), counted AS (
    SELECT attempts, CASE WHEN first_hour.hour_at + interval '1 hour' <= first.bucket_at THEN first_hour.hour_at
                          ELSE coalesce(first.bucket_at, first_hour.hour_at) END AS first_at,
           CASE WHEN last_hour.hour_at > last.bucket_at THEN last_hour.hour_at + interval '1 hour'
                ELSE coalesce(last.bucket_at + interval '10 minutes', last_hour.hour_at + interval '1 hour') END AS last_at
    FROM (SELECT sum(count)::bigint AS attempts FROM tally) AS whole
    LEFT JOIN (SELECT bucket_at FROM buckets ORDER BY bucket_at LIMIT 1) AS first ON true
    LEFT JOIN (SELECT bucket_at FROM buckets ORDER BY bucket_at DESC LIMIT 1) AS last ON true
    LEFT JOIN (SELECT hour_at FROM hours ORDER BY hour_at LIMIT 1) AS first_hour ON true
    LEFT JOIN (SELECT hour_at FROM hours ORDER BY hour_at DESC LIMIT 1) AS last_hour ON true
)
SELECT (SELECT count(*) FROM round r
        WHERE r.start_at >= counted.first_at AND r.start_at < counted.last_at
          AND EXISTS (SELECT FROM round_endpoint re JOIN place ON place.endpoint_id = re.endpoint_id WHERE re.round_id = r.id)) AS rounds,
       coalesce(attempts, 0) AS attempts, to_char(first_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS first_at,
       to_char(last_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_at
FROM counted
