-- Partitions are made by who plans rounds, who may not make tables: the function works as the owner of the schema, and finds its tables
-- nowhere else.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION attempt_partitions(date, date) SECURITY DEFINER SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE EXECUTE ON FUNCTION attempt_partitions(date, date) FROM PUBLIC;
