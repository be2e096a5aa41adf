-- params: bigint, bigint, bigint
-- First attempts of round $1, each with what its retry came to (0 not made, 1 passed, 2 failed). Times in microseconds since
-- the Unix epoch bound the partitions that are looked into. Where attempts passed that went no further than the answer to their
-- hello, whoever went further did so unasked: what was met there (stages 6 and 7) is no failure to be compared.
WITH seen AS (
    SELECT endpoint_id, vantage_id, sequence, role, stage, class, raw_kind, raw, address, start_error_us, loop_lag_us, edge, pop,
           bool_or(class = 0 AND tls_version IS NOT NULL AND handshake_us IS NULL) OVER (PARTITION BY endpoint_id) AND stage IN (6, 7) AS unasked
    FROM attempt
    WHERE round_id = $1
      AND start_at >= timestamptz 'epoch' + $2 * interval '1 microsecond'
      AND start_at < timestamptz 'epoch' + $3 * interval '1 microsecond'
      AND variant IN (0, 1) AND role IN (0, 1)
), made AS (
    SELECT endpoint_id, vantage_id, sequence, role, stage, CASE WHEN unasked THEN 0::smallint ELSE class END AS class,
           CASE WHEN unasked THEN 0::smallint ELSE raw_kind END AS raw_kind, CASE WHEN unasked THEN 0 ELSE raw END AS raw,
           address, start_error_us, loop_lag_us, edge, pop
    FROM seen
), again AS (
    SELECT endpoint_id, vantage_id, address, CASE WHEN bool_and(class = 0) THEN 1 ELSE 2 END AS confirm
    FROM made
    WHERE role = 1 AND stage <> 1
    GROUP BY endpoint_id, vantage_id, address
)
SELECT f.endpoint_id, f.vantage_id, f.class, f.raw_kind, f.raw, coalesce(host(f.address), '') AS address,
       f.start_error_us, f.loop_lag_us, coalesce(f.edge, '') AS edge, coalesce(f.pop, '') AS pop,
       e.address IS NOT NULL AS pinned, coalesce(again.confirm, 0) AS confirm
FROM made f
JOIN endpoint e ON e.id = f.endpoint_id
LEFT JOIN again ON again.endpoint_id = f.endpoint_id AND again.vantage_id = f.vantage_id
               AND again.address IS NOT DISTINCT FROM f.address
WHERE f.role = 0 AND e.removed_at IS NULL AND e.site_id IS NOT NULL
ORDER BY f.endpoint_id, f.vantage_id, f.sequence
