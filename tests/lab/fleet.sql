-- Fills an empty database with a fleet and its rounds, for tests of what reports read and draw. psql variables:
--   sites      pairs of edge and origin, beside the site `shop`
--   vantages   in turn in hk, cn, cn, overseas
--   hours      back from now
--   every_s    seconds between rounds
-- What is wrong: cn of AS4837 is reset at the edge of shop in the last third of the window; the origin of s1 has an expired
-- certificate and its edge answers 526; the last vantage fails everywhere. Names of servers, certificates and headers are hostile.
\set ON_ERROR_STOP on
SET synchronous_commit = off;

INSERT INTO site (name, interval_s) SELECT CASE i WHEN 0 THEN 'shop' ELSE 's' || i END, 86400 FROM generate_series(0, :sites) AS i;
INSERT INTO endpoint (site_id, role, host, port, sni, address)
SELECT s.id, 1, 'www.' || s.name || '.example', 443, '', NULL FROM site s
UNION ALL
SELECT s.id, 2, '203.0.113.' || (s.id % 250 + 1), 443, 'www.' || s.name || '.example', ('203.0.113.' || (s.id % 250 + 1))::inet FROM site s;

INSERT INTO vantage (collector_id, name, region, asn, address, certificate_sha256, connected_since, last_seen_at)
SELECT (SELECT max(id) FROM collector), r.region || '-' || i, r.region, r.asn, ('198.51.100.' || i)::inet, sha256(('v' || i)::bytea), now() - interval '1 day', now()
FROM generate_series(1, :vantages) AS i
CROSS JOIN LATERAL (SELECT * FROM (VALUES (1, 'hk', 9304), (2, 'cn', 4134), (3, 'cn', 4837), (0, 'overseas', 14061)) AS t (n, region, asn)
                    WHERE t.n = i % 4) AS r;

INSERT INTO certificate (sha256, subject, issuer, not_before, not_after, key_type, key_bits, signature_algorithm, names, is_ca)
SELECT sha256(('c' || e.id)::bytea),
       CASE e.id % 3 WHEN 1 THEN 'CN=</script><script>window.hostile=1</script>'
                     WHEN 2 THEN 'CN="><img src=x onerror=window.hostile=1>' ELSE E'CN=\u202Eelpmaxe.pohs\u202C & ''q''' END,
       'CN=<b>Evil</b> | CA `x` [a](javascript:alert(1))', now() - interval '60 days',
       CASE WHEN e.role = 2 AND s.name = 's1' THEN now() - interval '1 day' ELSE now() + make_interval(days => 5 + (e.id % 80)::integer) END,
       'EC', 256, 'ecdsa-with-SHA256', ARRAY[e.host, '<svg onload=window.hostile=1>.example'], false
FROM endpoint e JOIN site s ON s.id = e.site_id;
INSERT INTO chain (digest, sha256) SELECT sha256(sha256), ARRAY[sha256] FROM certificate ORDER BY sha256;

INSERT INTO round (interval_s, start_at, spread_us, timeout_us, deadline_at, endpoints, vantages, closed_at, judged_at)
SELECT :every_s, t, 1000000, 10000000, t + interval '15 s', (SELECT count(*) FROM endpoint), :vantages, t + interval '15 s', t + interval '20 s'
FROM generate_series(date_trunc('minute', now()) - make_interval(hours => :hours) + interval '1 minute', now() - interval '1 minute', make_interval(secs => :every_s)) AS t;

INSERT INTO round_endpoint SELECT r.id, e.id FROM round r CROSS JOIN endpoint e;
INSERT INTO round_vantage (round_id, vantage_id, sent_at, reported_at, attempts)
SELECT r.id, v.id, r.start_at, r.start_at + interval '5 s', (SELECT count(*) FROM endpoint) FROM round r CROSS JOIN vantage v;

INSERT INTO incident (key, kind, opened_at, updated_at, closed_at, first_round, last_round, place, endpoint_id, asn, region, edge, stage, class,
                      raw_kind, raw, cause, confirmed, confidence, rounds_failed, rounds, detail)
SELECT 'fails/asn/4837/hello.reset', 1, now() - make_interval(hours => :hours) / 3, now(), NULL::timestamptz, 1, 2, 3, e.id, 4837, NULL, NULL, 4, 40, 1, 104,
       '', false, 0.97, 20, 20, '{"failed": 20, "attempts": 20, "outside_failed": 0, "outside_attempts": 60, "vantages": [3],
        "alternatives": [{"place": {"kind": "region", "region": "<b>cn</b>"}, "probability": 0.02}], "caveats": [], "hints": []}'::jsonb
FROM endpoint e WHERE e.host = 'www.shop.example'
UNION ALL
SELECT 'fails/edge/x', 1, now() - make_interval(hours => :hours) * 0.8, now() - make_interval(hours => :hours) * 0.5, now() - make_interval(hours => :hours) * 0.5,
       1, 2, 5, e.id, NULL, NULL, '<img src=x onerror=window.hostile=1>', 3, 31, 0, 0, '', false, 0.9, 6, 8,
       '{"failed": 6, "attempts": 9, "outside_failed": 0, "outside_attempts": 30, "vantages": [1], "alternatives": [], "caveats": [], "hints": []}'::jsonb
FROM endpoint e WHERE e.host = 'www.s2.example';
INSERT INTO incident_endpoint SELECT id, endpoint_id FROM incident;

SELECT attempt_partitions((now() - make_interval(hours => :hours))::date, now()::date) > 0 AS partitions_made \gset

INSERT INTO attempt (endpoint_id, start_at, vantage_id, sequence, round_id, variant, role, rules, stage, class, raw_kind, raw,
                     start_error_us, slot_at, loop_lag_us, resolved_us, connect_us, connected_us, hello_sent_us, first_byte_us, handshake_us,
                     request_us, first_data_us, closed_us, asn, address, errno, errno_call, sent_bytes, received_bytes, ending,
                     tls_version, cipher, tls_group, alpn, chain_id, staple, sct_count, http_status, server, evidence)
SELECT e.id, r.start_at + make_interval(secs => (e.id % 7) / 10.0), v.id, r.id * 1000000 + e.id * 100 + v.id, r.id, 0, 0, 1,
       o.stage, o.class, o.raw_kind, o.raw, 500, r.start_at, 0,
       CASE WHEN e.role = 1 THEN t.ms * 300 END, t.ms * 300, CASE WHEN o.stage NOT IN (2, 3) THEN t.ms * 1300 END, t.ms * 1310,
       CASE WHEN o.stage IN (0, 6, 7) THEN t.ms * 2300 END, CASE WHEN o.stage IN (0, 6, 7) THEN t.ms * 2500 END,
       CASE WHEN o.stage IN (0, 7) THEN t.ms * 2510 END, CASE WHEN o.stage IN (0, 7) THEN t.ms * 3600 END, t.ms * 3700,
       v.asn, coalesce(e.address, ('203.0.113.' || (e.id % 250 + 1))::inet), CASE o.class WHEN 40 THEN 104 ELSE 0 END, 0, 600, 4000, 1,
       CASE WHEN o.stage IN (0, 6, 7) THEN 772 END, CASE WHEN o.stage IN (0, 6, 7) THEN 4865 END, CASE WHEN o.stage IN (0, 6, 7) THEN 29 END,
       CASE WHEN o.stage IN (0, 6, 7) THEN 'http/1.1' END, CASE WHEN o.stage IN (0, 6, 7) THEN c.id END, 1, 0,
       CASE WHEN o.class = 0 THEN 200 WHEN o.stage = 7 THEN o.raw END,
       CASE WHEN o.stage IN (0, 7) THEN '<script>window.hostile=1</script>" onload="window.hostile=1' END, ''::bytea
FROM round r
CROSS JOIN vantage v
CROSS JOIN endpoint e
JOIN site s ON s.id = e.site_id
LEFT JOIN chain c ON c.sha256[1] = sha256(('c' || e.id)::bytea)
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN v.id = :vantages AND (r.id + e.id) % 5 < 4 THEN 31
        WHEN s.name = 'shop' AND e.role = 1 AND v.asn = 4837
             AND r.start_at > now() - make_interval(hours => :hours) / 3 THEN 40
        WHEN s.name = 's1' AND e.role = 2 THEN 60
        WHEN s.name = 's1' AND e.role = 1 THEN 86
        WHEN (r.id * 31 + e.id * 17 + v.id * 7) % 211 = 0 THEN 31
        ELSE 0 END AS class) AS k
CROSS JOIN LATERAL (
    SELECT k.class, CASE k.class WHEN 31 THEN 3 WHEN 40 THEN 4 WHEN 60 THEN 6 WHEN 86 THEN 7 ELSE 0 END AS stage,
           CASE k.class WHEN 40 THEN 1 WHEN 60 THEN 6 WHEN 86 THEN 7 ELSE 0 END AS raw_kind,
           CASE k.class WHEN 40 THEN 104 WHEN 60 THEN 10 WHEN 86 THEN 526 ELSE 0 END AS raw) AS o
CROSS JOIN LATERAL (
    SELECT (CASE v.region WHEN 'hk' THEN 20 WHEN 'cn' THEN 45 ELSE 80 END) * (CASE WHEN v.asn = 4837 THEN 2 ELSE 1 END)
           + (r.id * 13 + e.id * 7 + v.id * 3) % 9 AS ms) AS t;
ANALYZE;
