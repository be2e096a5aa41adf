-- params: integer[], bigint[], bigint[], bigint[]
-- What goes with the rows of a group: the cursors of its vantages move ($1, $2), the ten minutes that rows were stored in ($3) are to be
-- counted again, and who waits for a round that was asked for ($4) is told. The row lock of ten minutes orders this against a count under way.
WITH moved AS (
    UPDATE vantage_cursor AS cursor SET committed = sent.committed
    FROM unnest($1, $2) AS sent (vantage_id, committed)
    WHERE cursor.vantage_id = sent.vantage_id AND cursor.committed < sent.committed
), seen AS (
    UPDATE vantage SET last_seen_at = now() WHERE id = ANY ($1)
), due AS (
    INSERT INTO rollup_due (bucket_at)
    SELECT timestamptz 'epoch' + bucket * interval '10 minutes' FROM unnest($3) AS bucket ORDER BY bucket
    ON CONFLICT (bucket_at) DO UPDATE SET touched_at = now()
)
SELECT pg_notify('parallax_round', id::text) FROM round WHERE id = ANY ($4) AND interval_s = 0
