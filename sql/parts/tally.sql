-- The counts of a long window: whole hours where there are such, and the ten minutes at its ends.
, tally AS (
    SELECT endpoint_id, vantage_id, hour_at AS at, role, class, raw_kind, raw, family, count
    FROM rollup_count_hour
    WHERE hour_at >= coalesce(date_bin('1 hour', $2 + interval '59 minutes 59 seconds', timestamptz 'epoch'), '-infinity')
      AND hour_at < coalesce(date_bin('1 hour', $3, timestamptz 'epoch'), 'infinity')
      AND endpoint_id IN (SELECT endpoint_id FROM place) AND vantage_id IN (SELECT vantage_id FROM who)
    UNION ALL
    SELECT endpoint_id, vantage_id, bucket_at, role, class, raw_kind, raw, family, count
    FROM rollup_count
    WHERE ($2 IS NULL OR bucket_at >= $2) AND ($3 IS NULL OR bucket_at < $3)
      AND (bucket_at < coalesce(date_bin('1 hour', $2 + interval '59 minutes 59 seconds', timestamptz 'epoch'), '-infinity')
           OR bucket_at >= coalesce(date_bin('1 hour', $3, timestamptz 'epoch'), 'infinity'))
      AND endpoint_id IN (SELECT endpoint_id FROM place) AND vantage_id IN (SELECT vantage_id FROM who)
)
