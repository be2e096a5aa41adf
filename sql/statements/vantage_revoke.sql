-- params: text
-- One row when there is such a vantage: whether it had been revoked before.
WITH old AS (
    SELECT id, revoked_at IS NOT NULL AS already FROM vantage WHERE name = $1 FOR UPDATE
), revoked AS (
    UPDATE vantage SET revoked_at = now() FROM old WHERE vantage.id = old.id AND NOT old.already
)
SELECT already, pg_notify('parallax_vantage', id::text) FROM old
