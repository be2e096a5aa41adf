-- params: none
SELECT id AS vantage_id, name AS vantage, region, coalesce(asn, 0) AS asn, baseline FROM vantage ORDER BY id
