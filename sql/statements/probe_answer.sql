-- params: bigint
SELECT round_id, refusal FROM round_request WHERE id = $1
