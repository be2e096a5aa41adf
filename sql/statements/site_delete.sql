-- params: bigint
DELETE FROM site WHERE id = $1
