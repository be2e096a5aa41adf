#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "private.h"
#include "store/cluster.h"
#include "store/connect.h"
#include "store/migrate.h"
#include "store/statements.h"

#include <string.h>

/* What may be dropped and what not, and what becomes of counts then. Three days: 1 to 3 January 2031. */

static char state[32];
static struct cluster *cluster;
static PGconn *connection;

static void run_sql(const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    PQclear(result);
}

static void expect(const char *sql, const char *wanted)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    const char *got = PQntuples(result) == 0 ? "" : PQgetvalue(result, 0, 0);
    if (strcmp(got, wanted) != 0)
        fail_msg("%s: \"%s\", expected \"%s\"", sql, got, wanted);
    PQclear(result);
}

static void attempt_at(const char *at)
{
    char *sql =
        text_format("INSERT INTO attempt (endpoint_id, start_at, vantage_id, sequence, round_id, variant, "
                    "role, rules, stage, class, raw_kind, raw, "
                    "start_error_us, loop_lag_us, errno, errno_call, sent_bytes, received_bytes, ending, "
                    "staple, sct_count, evidence) "
                    "VALUES (1, '%s', 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, '\\x00')",
                    at);
    run_sql(sql);
    free(sql);
}

#define HELD(day) "SELECT coalesce(held, 'free') FROM attempt_days() WHERE day = '2031-01-0" day "'"
#define DROP(day) "SELECT attempt_drop('2031-01-0" day "')"

/* Three days with an attempt at noon each, counted, of a round of the first. */
static int three_days(void **arg)
{
    (void)arg;
    run_sql("DROP TABLE IF EXISTS attempt_20301231, attempt_20310101, attempt_20310102, attempt_20310103");
    run_sql("TRUNCATE attempt, round, round_endpoint, round_vantage, rollup_due, rollup_count, "
            "rollup_count_hour, incident, incident_event "
            "RESTART IDENTITY CASCADE");
    run_sql("UPDATE storage SET attempts_since = '-infinity'");
    run_sql("SELECT attempt_partitions('2031-01-01', '2031-01-03')");
    run_sql("INSERT INTO round (interval_s, start_at, spread_us, timeout_us, deadline_at, endpoints, "
            "closed_at, judged_at) "
            "SELECT 60, at, 1, 1, at, 1, at, at FROM generate_series(timestamptz '2031-01-01 12:00Z', "
            "'2031-01-03 12:00Z', '1 day') AS at");
    attempt_at("2031-01-01 12:00Z");
    attempt_at("2031-01-02 12:00Z");
    attempt_at("2031-01-03 12:00Z");
    for (int day = 1; day <= 3; day++) {
        char *sql = text_format("EXECUTE rollup_count ('2031-01-0%d 12:00Z')", day);
        run_sql(sql);
        free(sql);
    }
    return 0;
}

static void rows_of_a_late_partition_move_to_it(void **arg)
{
    (void)arg;
    attempt_at("2030-12-31 23:59:59Z");
    expect("SELECT count(*) FROM attempt_default", "1");
    expect("SELECT attempt_partitions('2030-12-31', '2031-01-01')", "1");
    expect("SELECT count(*) FROM attempt_default", "0");
    expect("SELECT count(*) FROM attempt_20301231", "1");
    expect("SELECT count(*) FROM pg_indexes WHERE tablename = 'attempt_20301231'", "3");
}

static void what_nothing_holds_is_dropped(void **arg)
{
    (void)arg;
    expect(HELD("1"), "free");
    expect(DROP("1"), "t");
    expect(DROP("1"), "f"); /* is gone */
    expect("SELECT count(*) FROM attempt", "2");
    expect("SELECT attempts_since AT TIME ZONE 'UTC' FROM storage", "2031-01-02 00:00:00");
}

static void what_is_not_counted_stays(void **arg)
{
    (void)arg;
    run_sql("INSERT INTO rollup_due (bucket_at) VALUES ('2031-01-02 12:00Z')");
    expect(HELD("1"), "free");
    expect(HELD("2"), "uncounted");
    expect(HELD("3"), "uncounted"); /* dropping it would end all counting before */
    expect(DROP("2"), "f");
    expect(DROP("3"), "f");
    expect(DROP("1"), "t");
    run_sql("DELETE FROM rollup_due");
    expect(DROP("2"), "t");
    expect("SELECT count(*) FROM attempt", "1");
}

static void what_is_not_judged_stays(void **arg)
{
    (void)arg;
    run_sql("UPDATE round SET judged_at = NULL WHERE id = 2");
    expect(HELD("1"), "free");
    expect(HELD("2"), "unjudged");
    expect(HELD("3"), "unjudged");
    expect(DROP("2"), "f");
    run_sql("UPDATE round SET judged_at = now(), closed_at = NULL WHERE id = 2");
    expect(HELD("2"), "unjudged");
}

static void an_open_incident_keeps_what_explains_it(void **arg)
{
    (void)arg;
    run_sql(
        "INSERT INTO incident (key, kind, opened_at, updated_at, first_round, last_round, place, stage, "
        "class, raw_kind, raw, confidence, "
        "detail) VALUES ('k', 1, '2031-01-01 12:00Z', '2031-01-02 12:00Z', 1, 2, 1, 4, 40, 0, 0, 1, '{}')");
    expect(HELD("1"), "free"); /* it is explained by its last hour */
    expect(HELD("2"), "incident");
    expect(HELD("3"), "free");
    expect("SELECT incident_id FROM attempt_days() WHERE held IS NOT NULL", "1");
    expect(DROP("2"), "f");
    expect(DROP("3"), "t");
    run_sql("UPDATE incident SET updated_at = '2031-01-02 00:30Z'");
    expect(HELD("1"), "incident"); /* the hour began the day before */
    run_sql("UPDATE incident SET closed_at = updated_at");
    expect(HELD("1"), "free");
    expect(DROP("2"), "t");
}

/* A row that comes when the rest of its ten minutes is gone must not become all that was counted there. */
static void counts_of_what_is_gone_are_final(void **arg)
{
    (void)arg;
    expect(DROP("1"), "t");
    attempt_at("2031-01-01 12:00:05Z");
    run_sql("INSERT INTO rollup_due (bucket_at) VALUES ('2031-01-01 12:00Z'), ('2031-01-02 12:00Z')");
    expect("EXECUTE rollup_due_next (true)", "2031-01-02 12:00:00+00");
    run_sql("DELETE FROM rollup_due");
    run_sql("EXECUTE rollup_repair (NULL)");
    expect("SELECT string_agg(bucket_at::date::text, ' ' ORDER BY bucket_at) FROM rollup_due",
           "2031-01-02 2031-01-03");
    run_sql("DELETE FROM rollup_due");
    run_sql("EXECUTE rollup_repair ('2030-01-01 00:00Z')");
    expect("SELECT min(bucket_at)::date FROM rollup_due", "2031-01-02");
    run_sql("INSERT INTO rollup_due (bucket_at) VALUES ('2031-01-01 12:00Z')");
    run_sql("EXECUTE retain_due");
    expect("SELECT count(*) FROM rollup_due", "2");
    expect("SELECT count(*) FROM rollup_count WHERE bucket_at < '2031-01-02Z'", "1");
}

static void rounds_that_are_named_stay(void **arg)
{
    (void)arg;
    run_sql("INSERT INTO round_endpoint SELECT id, 1 FROM round");
    run_sql("INSERT INTO vantage (name, region, certificate_sha256) VALUES ('v', 'r', '') ON CONFLICT DO "
            "NOTHING");
    run_sql("INSERT INTO round_vantage (round_id, vantage_id) SELECT r.id, v.id FROM round r, vantage v");
    run_sql("INSERT INTO incident (key, kind, opened_at, updated_at, closed_at, first_round, last_round, "
            "place, stage, class, raw_kind, raw, "
            "confidence, detail) VALUES ('k', 1, now(), now(), now(), 2, 2, 1, 4, 40, 0, 0, 1, '{}')");
    expect("EXECUTE retain_rounds_counted ('2031-01-03 00:00Z')", "1");
    run_sql("EXECUTE retain_rounds ('2031-01-03 00:00Z')");
    expect("SELECT string_agg(id::text, ' ' ORDER BY id) FROM round", "2 3");
    expect("SELECT count(*) FROM round_endpoint", "2");
    expect("SELECT count(*) FROM round_vantage", "2");
    run_sql("UPDATE round SET judged_at = NULL WHERE id = 3");
    run_sql("EXECUTE retain_rounds ('2031-02-01 00:00Z')");
    expect("SELECT string_agg(id::text, ' ' ORDER BY id) FROM round", "2 3");
}

/* Who waits here has all who store wait behind it. */
static void readers_are_not_waited_for_long(void **arg)
{
    (void)arg;
    PGconn *reader = PQconnectdb(cluster_conninfo(cluster));
    PQclear(PQexec(reader, "BEGIN"));
    PQclear(PQexec(reader, "SELECT count(*) FROM attempt"));
    PGresult *result = PQexec(connection, DROP("1"));
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "55P03");
    PQclear(result);
    result = PQexec(connection, "SELECT attempt_partitions('2031-01-04', '2031-01-04')");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "55P03");
    PQclear(result);
    PQfinish(reader);
    expect("SELECT count(*) FROM attempt", "3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rows_of_a_late_partition_move_to_it, three_days),
        cmocka_unit_test_setup(what_nothing_holds_is_dropped, three_days),
        cmocka_unit_test_setup(what_is_not_counted_stays, three_days),
        cmocka_unit_test_setup(what_is_not_judged_stays, three_days),
        cmocka_unit_test_setup(an_open_incident_keeps_what_explains_it, three_days),
        cmocka_unit_test_setup(counts_of_what_is_gone_are_final, three_days),
        cmocka_unit_test_setup(rounds_that_are_named_stay, three_days),
        cmocka_unit_test_setup(readers_are_not_waited_for_long, three_days),
    };
    private_drop_root();
    private_state(state);
    char *why = NULL;
    cluster = cluster_open(state, NULL, &why);
    connection = cluster == NULL ? NULL : PQconnectdb(cluster_conninfo(cluster));
    if (connection == NULL || !migrate(connection, &why)) {
        (void)fprintf(stderr, "%s\n", why == NULL ? "out of memory" : why);
        free(why);
        return 1;
    }
    connect_quiet(connection);
    PQclear(PQexec(connection, connect_setup_sql));
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        char *sql = connect_prepare_sql((enum statement_id)i);
        run_sql(sql);
        free(sql);
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    PQfinish(connection);
    cluster_close(cluster);
    return folder_remove(state) ? failed : 1;
}
