-- params: bytea[]
-- A chain comes as its hashes, one after the other.
INSERT INTO chain (digest, sha256)
SELECT sha256(hashes),
       (SELECT array_agg(substring(hashes FROM at * 32 + 1 FOR 32) ORDER BY at)
        FROM generate_series(0, length(hashes) / 32 - 1) AS at)
FROM unnest($1) AS hashes
ON CONFLICT (digest) DO NOTHING
