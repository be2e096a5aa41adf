-- What is kept, and for how long.

-- Attempts from before this may have been dropped: what was counted of them is final.
CREATE TABLE storage (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    attempts_since timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO storage DEFAULT VALUES;

-- Makes the partitions of some days that are not there. Rows of such a day that came before move out of attempt_default.
-- Who waits for a lock here makes all who store wait behind it, so it is not waited for long: the next call makes what this one did not.
CREATE OR REPLACE FUNCTION attempt_partitions(first date, last date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
    day date := first;
    part text;
    since timestamptz;
    until timestamptz;
BEGIN
    WHILE day <= last LOOP
        part := 'attempt_' || to_char(day, 'YYYYMMDD');
        since := day::timestamp AT TIME ZONE 'UTC';
        until := (day + 1)::timestamp AT TIME ZONE 'UTC';
        IF to_regclass(part) IS NULL THEN
            LOCK TABLE attempt, attempt_default IN ACCESS EXCLUSIVE MODE;
            IF to_regclass(part) IS NULL THEN -- nobody was faster
                EXECUTE format('CREATE TABLE %I (LIKE attempt INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
                EXECUTE format('WITH moved AS (DELETE FROM attempt_default WHERE start_at >= %L AND start_at < %L RETURNING *)
                                INSERT INTO %I SELECT * FROM moved', since, until, part);
                EXECUTE format('ALTER TABLE attempt ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, since, until);
                made := made + 1;
            END IF;
        END IF;
        day := day + 1;
    END LOOP;
    RETURN made;
END $$;

-- The days that have a partition, and why one must not be dropped yet: 'uncounted', 'unjudged', and 'incident' with the open one
-- whose explanation reads its attempts. What is not counted or judged holds all later days, too: the day that storage.attempts_since
-- is moved to ends all counting before it.
CREATE FUNCTION attempt_days() RETURNS TABLE (part text, day date, attempts bigint, bytes bigint, held text, incident_id bigint)
LANGUAGE sql STABLE AS $$
    WITH days AS (
        SELECT c.oid, c.relname::text AS part, to_date(substr(c.relname, 9), 'YYYYMMDD') AS day, greatest(c.reltuples, 0)::bigint AS attempts
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'attempt'::regclass AND c.relname ~ '^attempt_[0-9]{8}$'
    ), bounds AS (
        SELECT *, day::timestamp AT TIME ZONE 'UTC' AS since, (day + 1)::timestamp AT TIME ZONE 'UTC' AS until FROM days
    )
    SELECT b.part, b.day, b.attempts, pg_total_relation_size(b.oid),
           CASE WHEN EXISTS (SELECT FROM rollup_due d, storage s WHERE d.bucket_at >= s.attempts_since AND d.bucket_at < b.until) THEN 'uncounted'
                WHEN EXISTS (SELECT FROM round r WHERE r.closed_at IS NOT NULL AND r.judged_at IS NULL AND r.start_at < b.until)
                  OR EXISTS (SELECT FROM round r WHERE r.closed_at IS NULL AND r.start_at < b.until) THEN 'unjudged'
                WHEN open.id IS NOT NULL THEN 'incident' END,
           open.id
    FROM bounds b
    LEFT JOIN LATERAL (SELECT min(i.id) AS id FROM incident i
                       WHERE i.closed_at IS NULL AND i.updated_at - interval '70 minutes' < b.until
                         AND i.updated_at + interval '30 minutes' >= b.since) AS open ON true
    ORDER BY b.day
$$;

-- Drops the partition of a day, unless something holds it by now. Nothing is lost that comes at this moment: rows that are being stored are
-- waited for, and make their ten minutes due.
CREATE FUNCTION attempt_drop(gone date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    dropped text := 'attempt_' || to_char(gone, 'YYYYMMDD');
BEGIN
    PERFORM pg_advisory_xact_lock(31644461963373676); -- that of counting
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
    EXECUTE format('ALTER FUNCTION attempt_partitions(date, date) SECURITY DEFINER SET search_path = %I, pg_temp', current_schema());
    ALTER FUNCTION attempt_partitions(date, date) SET lock_timeout = '2s';
    EXECUTE format('ALTER FUNCTION attempt_days() SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION attempt_drop(date) SET search_path = %I, pg_temp', current_schema());
    ALTER FUNCTION attempt_drop(date) SET lock_timeout = '2s';
END $$;
REVOKE EXECUTE ON FUNCTION attempt_drop(date) FROM PUBLIC;
