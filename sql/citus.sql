-- Distributes the large tables by endpoint over the workers of a Citus cluster: run once, by psql, as the owner of the schema, after
-- "CREATE EXTENSION citus", citus_set_coordinator_host and citus_add_node, while no collector serves. Everything that one endpoint's
-- attempts and counts are asked for is on one node; tables that are joined with them are on every node; the rest stays on the coordinator.
-- Without the extension it does nothing.
DO $$
DECLARE
    name text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RAISE NOTICE 'the extension citus is not there: nothing is distributed';
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'attempt'::regclass) THEN
        RAISE NOTICE 'the tables are distributed already';
        RETURN;
    END IF;
    -- What a role does on a worker is done by a connection of its own. It has no password: pg_hba.conf of the workers has to let it in from
    -- the other nodes, as it does the owner.
    FOREACH name IN ARRAY ARRAY['parallax_ingest', 'parallax_plan', 'parallax_read'] LOOP
        IF to_regrole(name) IS NOT NULL THEN
            EXECUTE format('ALTER ROLE %I LOGIN', name);
        END IF;
    END LOOP;
    PERFORM create_distributed_table('attempt', 'endpoint_id');
    FOREACH name IN ARRAY ARRAY['rollup_count', 'rollup_count_hour', 'rollup_look', 'rollup_look_hour', 'rollup_latency', 'rollup_latency_hour'] LOOP
        PERFORM create_distributed_table(name::regclass, 'endpoint_id', colocate_with => 'attempt');
    END LOOP;
END $$;
