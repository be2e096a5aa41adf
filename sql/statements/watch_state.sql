-- params: text
-- What a live view says beside incidents and matrix: who is there, when it was judged last, and how long a round's interval is at most.
SELECT (SELECT count(*) FROM vantage WHERE revoked_at IS NULL) AS vantages,
       (SELECT count(*) FROM vantage WHERE revoked_at IS NULL AND connected_since IS NOT NULL) AS connected,
       coalesce((SELECT string_agg(name, ', ' ORDER BY name) FROM vantage
                 WHERE revoked_at IS NULL AND connected_since IS NULL), '') AS away,
       coalesce((SELECT to_char(max(start_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM round WHERE judged_at IS NOT NULL), '') AS judged,
       coalesce((SELECT max(interval_s) FROM site WHERE $1 IS NULL OR name = $1), 0) AS interval_s
