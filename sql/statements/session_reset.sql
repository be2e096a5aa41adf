-- params: none
UPDATE vantage SET connected_since = NULL WHERE connected_since IS NOT NULL
