-- params: none
-- A round that a person asked for is answered to that person; no incident comes of it.
UPDATE round SET judged_at = now() WHERE interval_s = 0 AND closed_at IS NOT NULL AND judged_at IS NULL
