-- params: bytea, bytea, text, bigint
-- The vantage that the token names, made or given a new certificate; whoever held the old one is cut off.
WITH used AS (
    UPDATE token SET used_at = now() WHERE secret_sha256 = $1 RETURNING vantage, region, labels, asn
), made AS (
    INSERT INTO vantage AS old (name, region, labels, asn_given, asn, certificate_sha256, agent_version, certificate_not_after)
    SELECT vantage, region, labels, asn, asn, $2, $3, to_timestamp($4) FROM used
    ON CONFLICT (name) DO UPDATE
    SET region = excluded.region, labels = excluded.labels, asn_given = excluded.asn_given, asn = excluded.asn,
        certificate_sha256 = excluded.certificate_sha256, certificate_not_after = excluded.certificate_not_after,
        next_certificate_sha256 = NULL, next_certificate_not_after = NULL, agent_version = excluded.agent_version,
        enrolled_at = now(), revoked_at = NULL
    RETURNING id
), cursor AS (
    INSERT INTO vantage_cursor (vantage_id) SELECT id FROM made ON CONFLICT (vantage_id) DO NOTHING
)
SELECT pg_notify('parallax_vantage', id::text) FROM made
