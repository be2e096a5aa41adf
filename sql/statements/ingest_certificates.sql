-- params: bytea[]
INSERT INTO certificate (sha256) SELECT unnest($1) ON CONFLICT (sha256) DO NOTHING
