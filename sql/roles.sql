-- Who may do what. Run after migrations, and whenever the roles turn out not to be in force; running it again changes nothing.
--   parallax_ingest  sessions, enrolment, and what vantages send
--   parallax_plan    rounds, their judgement, alerts, gauges and retention
--   parallax_read    reports
-- Roles belong to the whole server, privileges to one database. Every table needs a decision here, even if it is "nobody": then it
-- stands in the list of tests/unit/collector/store/test_roles.c. A partition is reached through its table only.
SELECT pg_advisory_xact_lock(31637079312427890);
DO $$
DECLARE
    role text;
    option text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH role IN ARRAY ARRAY['parallax_ingest', 'parallax_plan', 'parallax_read'] LOOP
        -- Other databases of the server may be making the same role now.
        BEGIN
            IF to_regrole(role) IS NULL THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
            NULL;
        END;
        BEGIN
            IF to_regrole(role) IS NOT NULL AND NOT pg_has_role(current_user, role, option) THEN
                EXECUTE format('GRANT %I TO %I', role, current_user);
            END IF;
        EXCEPTION WHEN unique_violation OR insufficient_privilege OR internal_error THEN
            NULL;
        END;
    END LOOP;
    IF to_regrole('parallax_ingest') IS NULL OR to_regrole('parallax_plan') IS NULL OR to_regrole('parallax_read') IS NULL THEN
        RETURN;
    END IF;

    EXECUTE format('GRANT USAGE ON SCHEMA %I TO parallax_ingest, parallax_plan, parallax_read', current_schema());
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM parallax_ingest, parallax_plan, parallax_read', current_schema());
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM parallax_ingest, parallax_plan, parallax_read', current_schema());

    -- A token is used, never made; who has one proves it by its secret, which is not in here.
    GRANT SELECT, UPDATE (used_at) ON token TO parallax_ingest;
    GRANT SELECT, INSERT, UPDATE ON vantage, vantage_cursor TO parallax_ingest;
    GRANT USAGE ON SEQUENCE session_number TO parallax_ingest;
    GRANT INSERT ON attempt TO parallax_ingest;
    GRANT SELECT, INSERT ON chain, vantage_key TO parallax_ingest;
    GRANT SELECT, INSERT, UPDATE ON certificate, round_vantage, dropped, refused_record, rollup_due TO parallax_ingest;
    GRANT SELECT ON site, endpoint, round, round_endpoint, collector, authority TO parallax_ingest;

    GRANT SELECT ON site, endpoint, vantage_cursor, certificate, chain, attempt, dropped, refused_record, storage TO parallax_plan;
    GRANT SELECT, UPDATE (connected_since, collector_id, last_seen_at, baseline) ON vantage TO parallax_plan;
    GRANT SELECT, INSERT, UPDATE, DELETE ON round, round_vantage TO parallax_plan;
    GRANT SELECT, INSERT ON round_endpoint TO parallax_plan;
    GRANT SELECT, UPDATE (round_id, refusal) ON round_request TO parallax_plan;
    GRANT SELECT, INSERT, UPDATE, DELETE ON collector TO parallax_plan;
    GRANT SELECT, INSERT, UPDATE ON incident, alert_cursor TO parallax_plan;
    GRANT SELECT, INSERT, DELETE ON incident_endpoint TO parallax_plan;
    GRANT SELECT, INSERT ON incident_event TO parallax_plan;
    GRANT SELECT, INSERT, UPDATE, DELETE ON rollup_due TO parallax_plan;
    GRANT SELECT, INSERT, DELETE ON rollup_count, rollup_count_hour, rollup_look, rollup_look_hour, rollup_latency,
                                    rollup_latency_hour TO parallax_plan;
    GRANT EXECUTE ON FUNCTION attempt_partitions(date, date), attempt_strays(timestamptz), attempt_drop(date) TO parallax_plan;

    GRANT SELECT ON site, endpoint, vantage, vantage_cursor, collector, round, round_endpoint, round_vantage, certificate, chain,
                    attempt, dropped, refused_record, incident, incident_endpoint, incident_event, rollup_count, rollup_count_hour,
                    rollup_look, rollup_look_hour, rollup_latency, rollup_latency_hour, rollup_due, storage TO parallax_read;
EXCEPTION WHEN insufficient_privilege THEN
    -- A login that does not own the tables leaves this to the one that does.
    NULL;
END $$;
