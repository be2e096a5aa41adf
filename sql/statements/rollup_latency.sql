-- params: timestamptz
-- First attempts: the stages of those that passed, and the distance from its slot of each.
INSERT INTO rollup_latency (endpoint_id, vantage_id, bucket_at, stage, count, sum_us, min_us, max_us, bins, counts)
SELECT endpoint_id, vantage_id, $1, part, sum(count), sum(sum_us), min(min_us), max(max_us), array_agg(bin ORDER BY bin),
       array_agg(count ORDER BY bin)
FROM (SELECT endpoint_id, vantage_id, part, least(127, floor(4 * log(greatest(us, 1)::float8) / log(2::float8)))::smallint AS bin,
             count(*)::integer AS count, sum(us) AS sum_us, min(us) AS min_us, max(us) AS max_us
      FROM attempt
      CROSS JOIN LATERAL (VALUES
          (0::smallint, CASE WHEN class = 0 THEN resolved_us END),
          (1::smallint, CASE WHEN class = 0 THEN connected_us - connect_us END),
          (2::smallint, CASE WHEN class = 0 THEN handshake_us - connected_us END),
          (3::smallint, CASE WHEN class = 0 THEN first_data_us - request_us END),
          (4::smallint, CASE WHEN class = 0 THEN closed_us END),
          (5::smallint, least(abs(date_part('epoch', start_at - slot_at)) * 1000000, 2147483647)::integer)) AS parts (part, us)
      WHERE start_at >= $1 AND start_at < $1 + interval '10 minutes' AND variant = 0 AND role = 0 AND us IS NOT NULL
      GROUP BY endpoint_id, vantage_id, part, bin) AS bins
GROUP BY endpoint_id, vantage_id, part
