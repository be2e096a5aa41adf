-- params: bytea[]
SELECT id, encode(digest, 'hex') AS digest FROM chain WHERE digest = ANY ($1)
