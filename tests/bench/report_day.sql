-- A day of :endpoints endpoints, :vantages vantages and one round a minute, ending at the last full hour: attempts as they are stored, those that
-- fail with the evidence of a reset, the others with none. One in twenty fails; one endpoint is reset from one ASN for two hours. There is an
-- incident for each endpoint, and the first is open.
\set ON_ERROR_STOP on
BEGIN;
SELECT date_trunc('hour', now()) - interval '1 day' AS began \gset
SELECT attempt_partitions((:'began'::timestamptz AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date);
INSERT INTO vantage (name, region, asn, certificate_sha256)
SELECT 'v-' || n, (ARRAY['cn', 'cn', 'cn', 'hk', 'overseas'])[1 + n % 5], 64500 + n % 7, sha256(convert_to('v' || n, 'UTF8'))
FROM generate_series(1, :vantages) AS n;
INSERT INTO site (name) SELECT 'site-' || n FROM generate_series(1, :endpoints / 2) AS n;
INSERT INTO endpoint (site_id, role, host, port, address)
SELECT s.id, r, 'www.' || s.name || '.example', 443, CASE WHEN r = 2 THEN '203.0.113.10'::inet END
FROM site s, generate_series(1, 2) AS r ORDER BY s.id, r;
INSERT INTO certificate (sha256, der, subject, issuer, not_before, not_after, key_type, key_bits, names, is_ca)
SELECT sha256(convert_to('c' || id, 'UTF8')), '\x00', 'CN=' || host, 'CN=A Fine CA', now() - interval '30 days', now() + interval '60 days', 'EC', 256,
       ARRAY[host], false FROM endpoint;
INSERT INTO chain (digest, sha256) SELECT sha256(sha256), ARRAY[sha256] FROM certificate;
INSERT INTO round (interval_s, start_at, spread_us, timeout_us, deadline_at, endpoints, vantages, closed_at, judged_at)
SELECT 60, at, 5000000, 10000000, at + interval '17 seconds', :endpoints, :vantages, at + interval '18 seconds', at + interval '19 seconds'
FROM generate_series(:'began'::timestamptz, :'began'::timestamptz + interval '1 day' - interval '1 minute', interval '1 minute') AS at;
INSERT INTO round_endpoint SELECT r.id, e.id FROM round r, endpoint e;
INSERT INTO round_vantage (round_id, vantage_id, sent_at, reported_at, attempts)
SELECT r.id, v.id, r.start_at, r.start_at, :endpoints FROM round r, vantage v;
INSERT INTO attempt (endpoint_id, start_at, vantage_id, sequence, round_id, variant, role, rules, stage, class, raw_kind, raw, start_error_us,
                     slot_at, loop_lag_us, resolved_us, connect_us, connected_us, hello_sent_us, first_byte_us, handshake_us, request_us,
                     first_data_us, closed_us, asn, address, errno, errno_call, sent_bytes, received_bytes, ending, tls_version, cipher,
                     tls_group, alpn, chain_id, staple, sct_count, http_status, edge, pop, evidence)
SELECT e.id, r.start_at + e.id * interval '50 milliseconds', v.id, row_number() OVER (), r.id, 0, 0, 1,
       CASE WHEN bad THEN 4 ELSE 0 END, CASE WHEN bad THEN 40 ELSE 0 END, bad::integer, CASE WHEN bad THEN 104 ELSE 0 END, 800,
       r.start_at + e.id * interval '50 milliseconds' - interval '3 milliseconds', 100,
       2000, 2000, 2000 + rtt, 2100 + rtt, 2000 + 2 * rtt, CASE WHEN NOT bad THEN 2500 + 2 * rtt END, CASE WHEN NOT bad THEN 2600 + 2 * rtt END,
       CASE WHEN NOT bad THEN 2600 + 3 * rtt + work END, 3000 + 3 * rtt + work, v.asn,
       CASE WHEN e.role = 2 THEN e.address ELSE '198.51.100.0'::inet + e.id END, CASE WHEN bad THEN 104 ELSE 0 END, 0, 517, 4096, 1,
       CASE WHEN NOT bad THEN 772 END, CASE WHEN NOT bad THEN 4865 END, CASE WHEN NOT bad THEN 29 END, CASE WHEN NOT bad THEN 'h2' END,
       CASE WHEN NOT bad THEN c.id END, 1, 2, CASE WHEN NOT bad THEN 200 END, 'acme-cdn', 'POP' || v.id % 3,
       CASE WHEN bad THEN '\x0852100f18013222222000000000000000000000000000000000000000000000000000000000000000003a1808d0be99e9f09d9b0630850738c5ec0240f1ee027891da034a091a04cb00710728d0015a006a020804'::bytea ELSE '\x00' END
FROM (SELECT r.*, v.id AS vid FROM round r, vantage v) AS rv
JOIN round r ON r.id = rv.id
JOIN vantage v ON v.id = rv.vid
CROSS JOIN endpoint e
JOIN certificate x ON x.sha256 = sha256(convert_to('c' || e.id, 'UTF8'))
JOIN chain c ON c.digest = sha256(x.sha256)
CROSS JOIN LATERAL (SELECT (20000 + 12000 * (v.id % 7) + (random() * random() * 30000)::integer + e.id * 0)::integer AS rtt,
                           (5000 + random() * 20000)::integer AS work,
                           random() < 0.05 OR (e.id = 1 AND v.asn = 64501 AND extract(hour FROM r.start_at) BETWEEN 3 AND 4) AS bad) AS luck;
INSERT INTO incident (key, kind, opened_at, updated_at, closed_at, first_round, last_round, place, asn, stage, class, raw_kind, raw, cause, confidence,
                      rounds_failed, rounds, transitions, detail)
SELECT 'fails/asn/64501/' || e.id, 1, first.start_at, last.start_at, CASE WHEN e.id > 1 THEN last.start_at END, first.id, last.id, 3, 64501, 4, 40, 1, 104,
       'hello.address_blocked', 0.97, 120, 120, 1,
       '{"facts": {}, "hints": [], "failed": 120, "attempts": 120, "vantages": [], "caveats": [], "followers": [], "alternatives": [],
         "outside_failed": 6, "outside_attempts": 1080, "failing_share": 1.0}'
FROM endpoint e
CROSS JOIN LATERAL (SELECT id, start_at FROM round WHERE start_at >= :'began'::timestamptz + interval '3 hours' + e.id % 100 * interval '5 minutes'
                    ORDER BY start_at LIMIT 1) AS first
CROSS JOIN LATERAL (SELECT id, start_at FROM round WHERE start_at >= first.start_at + interval '2 hours' ORDER BY start_at LIMIT 1) AS last
ORDER BY e.id;
INSERT INTO incident_endpoint SELECT i.id, e.id FROM endpoint e JOIN incident i ON i.key = 'fails/asn/64501/' || e.id;
INSERT INTO incident_event (incident_id, at, round_id, change, confidence, detail) SELECT id, opened_at, first_round, 1, confidence, '{}' FROM incident;
DELETE FROM rollup_due;
COMMIT;
ANALYZE;
