-- Who plans rounds drops what is too old, too, and owns no table: these work as the owner of the schema.

-- Attempts from before a time that are in no partition of their day.
CREATE FUNCTION attempt_strays(before timestamptz) RETURNS TABLE (day date, attempts bigint) LANGUAGE sql STABLE AS $$
    SELECT (start_at AT TIME ZONE 'UTC')::date, count(*) FROM attempt_default WHERE start_at < before GROUP BY 1
$$;

-- Drops the partition of a day, unless something holds it by now. Nothing is lost that comes at this moment: rows that are being stored are
-- waited for, and make their ten minutes due. While this waits for the table all who store wait behind it, hence not for long; counting, for
-- which nobody else waits, is waited for until it is over.
CREATE OR REPLACE FUNCTION attempt_drop(gone date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    dropped text := 'attempt_' || to_char(gone, 'YYYYMMDD');
BEGIN
    PERFORM pg_advisory_xact_lock(31644461963373676); -- that of counting
    PERFORM set_config('lock_timeout', '200ms', true);
    LOCK TABLE attempt IN ACCESS EXCLUSIVE MODE;
    PERFORM FROM attempt_days() d WHERE d.part = dropped AND d.held IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE storage SET attempts_since = greatest(attempts_since, (gone + 1)::timestamp AT TIME ZONE 'UTC');
    EXECUTE format('DROP TABLE %I', dropped);
    RETURN true;
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION attempt_strays(timestamptz) SECURITY DEFINER SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION attempt_drop(date) SECURITY DEFINER SET search_path = %I, pg_temp', current_schema());
    ALTER FUNCTION attempt_drop(date) SET lock_timeout = '10s';
END $$;
REVOKE EXECUTE ON FUNCTION attempt_strays(timestamptz), attempt_drop(date) FROM PUBLIC;
