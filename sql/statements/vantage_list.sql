-- params: none
SELECT id, name, region, labels::text AS labels, asn, prefix, country, host(address) AS address, agent_version, tls_library,
       encode(certificate_sha256, 'hex') AS certificate, floor(extract(epoch FROM enrolled_at))::bigint AS enrolled_s,
       floor(extract(epoch FROM revoked_at))::bigint AS revoked_s, floor(extract(epoch FROM connected_since))::bigint AS connected_s,
       floor(extract(epoch FROM last_seen_at))::bigint AS seen_s,
       (SELECT coalesce(sum(count), 0)::bigint FROM dropped WHERE vantage_id = vantage.id) AS dropped,
       floor(extract(epoch FROM certificate_not_after))::bigint AS certificate_ends_s,
       floor(extract(epoch FROM certificate_not_after - now()))::bigint AS certificate_left_s
FROM vantage ORDER BY region, name
