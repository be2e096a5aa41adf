-- params: text, timestamptz, timestamptz, text, bigint, bigint, boolean
-- include: export
, shown AS (SELECT DISTINCT endpoint_id FROM kept)
SELECT r.id, r.interval_s, r.spread_us, r.timeout_us, (extract(epoch FROM r.start_at) * 1000000)::bigint AS start_us,
       (extract(epoch FROM r.deadline_at) * 1000000)::bigint AS deadline_us,
       to_jsonb(ARRAY(SELECT v.name FROM round_vantage rv JOIN allowed v ON v.id = rv.vantage_id
                      WHERE rv.round_id = r.id ORDER BY v.name)) AS vantages,
       to_jsonb(ARRAY(SELECT re.endpoint_id FROM round_endpoint re JOIN shown USING (endpoint_id)
                      WHERE re.round_id = r.id ORDER BY endpoint_id)) AS endpoints
FROM round r
WHERE r.id IN (SELECT round_id FROM kept)
ORDER BY r.start_at, r.id
