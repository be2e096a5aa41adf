-- params: bigint[]
SELECT id FROM endpoint WHERE id = ANY ($1) ORDER BY id
