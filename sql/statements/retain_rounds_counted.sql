-- params: timestamptz
-- include: old_rounds
SELECT count(*) AS rounds FROM old
