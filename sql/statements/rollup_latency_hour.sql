-- params: timestamptz
-- The hour that a bucket belongs to, summed up again.
INSERT INTO rollup_latency_hour (endpoint_id, vantage_id, hour_at, stage, count, sum_us, min_us, max_us, bins, counts)
SELECT endpoint_id, vantage_id, date_bin('1 hour', $1, timestamptz 'epoch'), whole.stage, whole.count, whole.sum_us, whole.min_us,
       whole.max_us, parts.bins, parts.counts
FROM (SELECT endpoint_id, vantage_id, stage, sum(count) AS count, sum(sum_us) AS sum_us, min(min_us) AS min_us, max(max_us) AS max_us
      FROM rollup_latency
      WHERE bucket_at >= date_bin('1 hour', $1, timestamptz 'epoch')
        AND bucket_at < date_bin('1 hour', $1, timestamptz 'epoch') + interval '1 hour'
      GROUP BY endpoint_id, vantage_id, stage) AS whole
JOIN (SELECT endpoint_id, vantage_id, stage, array_agg(bin ORDER BY bin) AS bins, array_agg(n ORDER BY bin) AS counts
      FROM (SELECT endpoint_id, vantage_id, stage, bin, sum(n)::integer AS n
            FROM (SELECT endpoint_id, vantage_id, stage, unnest(bins) AS bin, unnest(counts) AS n
                  FROM rollup_latency
                  WHERE bucket_at >= date_bin('1 hour', $1, timestamptz 'epoch')
                    AND bucket_at < date_bin('1 hour', $1, timestamptz 'epoch') + interval '1 hour') AS each
            GROUP BY endpoint_id, vantage_id, stage, bin) AS bin
      GROUP BY endpoint_id, vantage_id, stage) AS parts USING (endpoint_id, vantage_id, stage)
