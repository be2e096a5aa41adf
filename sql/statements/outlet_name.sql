-- params: bigint[], text[]
-- An alert keeps the labels it was told with first: they are its name.
UPDATE incident i SET alert_labels = n.labels::jsonb
FROM unnest($1, $2) AS n (id, labels)
WHERE i.id = n.id AND i.alert_labels IS NULL
