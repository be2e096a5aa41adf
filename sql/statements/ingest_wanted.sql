-- params: bytea[]
SELECT encode(sha256, 'hex') AS sha256 FROM certificate WHERE sha256 = ANY ($1) AND der IS NULL
