-- params: text, bytea, inet, bigint, cidr, text, text, text, bigint
-- From its commit on, batches of this vantage's older sessions are not taken any more. The cursor's row lock makes it wait for
-- a group that is being stored, so that what it says of `committed` stays true.
WITH opened AS (
    UPDATE vantage_cursor AS cursor SET session = nextval('session_number')
    FROM vantage AS known
    WHERE known.name = $1 AND $2 IN (known.certificate_sha256, known.next_certificate_sha256) AND known.revoked_at IS NULL
      AND cursor.vantage_id = known.id
    RETURNING cursor.vantage_id, cursor.committed, cursor.session
)
UPDATE vantage
SET connected_since = now(), last_seen_at = now(), address = $3, asn = coalesce($4, asn_given), prefix = $5,
    country = $6, agent_version = $7, tls_library = $8, collector_id = $9,
    -- whoever shows the next certificate has it for good: the old one is forgotten
    certificate_not_after = CASE WHEN next_certificate_sha256 = $2 THEN next_certificate_not_after ELSE certificate_not_after END,
    next_certificate_not_after = CASE WHEN next_certificate_sha256 = $2 THEN NULL ELSE next_certificate_not_after END,
    next_certificate_sha256 = nullif(next_certificate_sha256, $2), certificate_sha256 = $2
FROM opened
WHERE id = opened.vantage_id AND $2 IN (certificate_sha256, next_certificate_sha256) AND revoked_at IS NULL
RETURNING id, asn, opened.committed, opened.session, pg_notify('parallax_vantage', id || ' ' || opened.session)
