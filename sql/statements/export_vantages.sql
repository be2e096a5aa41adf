-- params: text, timestamptz, timestamptz, text, bigint, bigint, boolean
-- Vantages that made attempts, or were asked to in their rounds.
-- include: export
SELECT name, region, coalesce(asn, 0) AS asn, coalesce(prefix::text, '') AS prefix, coalesce(country, '') AS country, labels
FROM allowed
WHERE id IN (SELECT vantage_id FROM kept)
   OR id IN (SELECT vantage_id FROM round_vantage WHERE round_id IN (SELECT round_id FROM kept))
ORDER BY name
