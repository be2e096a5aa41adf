-- params: bigint, jsonb
-- Notes the facts of the case that incident $1 was concluded from.
UPDATE incident SET detail = detail || jsonb_build_object('facts', $2) WHERE id = $1
