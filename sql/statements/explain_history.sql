-- params: bigint
SELECT to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, round_id, change, confidence
FROM incident_event WHERE incident_id = $1 ORDER BY id
