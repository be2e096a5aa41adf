-- params: none
SELECT count(*) AS connected FROM vantage WHERE connected_since IS NOT NULL AND revoked_at IS NULL
