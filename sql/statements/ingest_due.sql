-- params: bigint[]
-- The ten minutes that rows were stored in are to be counted again. The row lock orders this against a count under way.
INSERT INTO rollup_due (bucket_at)
SELECT timestamptz 'epoch' + bucket * interval '10 minutes' FROM unnest($1) AS bucket ORDER BY bucket
ON CONFLICT (bucket_at) DO UPDATE SET touched_at = now()
