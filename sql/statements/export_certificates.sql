-- params: text, timestamptz, timestamptz, text, bigint, bigint, boolean
-- include: export
SELECT encode(sha256, 'hex') AS sha256, der, subject, issuer, (extract(epoch FROM not_before) * 1000000)::bigint AS not_before_us,
       (extract(epoch FROM not_after) * 1000000)::bigint AS not_after_us, key_type, key_bits, signature_algorithm, is_ca,
       to_jsonb(names) AS names
FROM certificate
WHERE sha256 IN (SELECT unnest(sha256) FROM chain WHERE id IN (SELECT chain_id FROM kept))
  AND (der IS NOT NULL OR subject IS NOT NULL)
ORDER BY sha256
