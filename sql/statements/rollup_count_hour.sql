-- params: timestamptz
-- The hour that a bucket belongs to, summed up again.
INSERT INTO rollup_count_hour (endpoint_id, vantage_id, hour_at, role, class, raw_kind, raw, family, asn, count)
SELECT endpoint_id, vantage_id, date_bin('1 hour', $1, timestamptz 'epoch'), role, class, raw_kind, raw, family, asn, sum(count)
FROM rollup_count
WHERE bucket_at >= date_bin('1 hour', $1, timestamptz 'epoch')
  AND bucket_at < date_bin('1 hour', $1, timestamptz 'epoch') + interval '1 hour'
GROUP BY endpoint_id, vantage_id, role, class, raw_kind, raw, family, asn
