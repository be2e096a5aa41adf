-- Gives a database that holds :first days (report_day.sql, counted; the first of them from there) more before them, up to :days: rounds, attempts and
-- counts of the last day, each day as it is.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
CREATE FUNCTION pg_temp.repeat_day(parent regclass, first integer, days integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    names text;
    shifted text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
           string_agg(CASE WHEN atttypid = 'timestamptz'::regtype THEN format('%I - n * interval ''1 day''', attname)
                           WHEN attname = 'round_id' OR (parent = 'round'::regclass AND attname = 'id') THEN format('%I - n * 1000000', attname)
                           ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
    INTO names, shifted
    FROM pg_attribute WHERE attrelid = parent AND attnum > 0 AND NOT attisdropped;
    FOR n IN first .. days - 1 LOOP
        EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s, (VALUES (%s)) AS day (n) WHERE %s', parent, names, shifted,
                       parent, n, CASE parent WHEN 'attempt'::regclass THEN format('start_at >= %L', (SELECT min(start_at) FROM round WHERE id > 0))
                                              WHEN 'round'::regclass THEN 'id > 0'
                                              WHEN 'round_endpoint'::regclass THEN 'round_id > 0'
                                              WHEN 'round_vantage'::regclass THEN 'round_id > 0'
                                              ELSE format('%I >= %L', CASE WHEN parent::text LIKE '%hour' THEN 'hour_at' ELSE 'bucket_at' END,
                                                          (SELECT min(start_at) FROM round WHERE id > 0)) END);
    END LOOP;
END $$;
SELECT attempt_partitions((min(start_at) - :days * interval '1 day')::date, max(start_at)::date) > 0 AS made FROM round WHERE id > 0;
SELECT pg_temp.repeat_day(name::regclass, :first, :days)
FROM unnest(ARRAY['round', 'round_endpoint', 'round_vantage', 'attempt', 'rollup_count', 'rollup_count_hour', 'rollup_look', 'rollup_look_hour',
                  'rollup_latency', 'rollup_latency_hour']) AS name;
