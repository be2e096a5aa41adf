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

#include <jansson.h>
#include <string.h>

/*
 * How the database goes about every statement that reads attempts: it is run with EXPLAIN ANALYZE over six days of them, and may have
 * looked into no partition of a day that it is not about. Statements of long windows count no attempts at all.
 */

static char state[32];
static struct cluster *cluster;
static PGconn *connection;

enum { DAYS = 6, FIRST_DAY = 1, SHORT_DAY = 4 };

/* Two endpoints, three vantages, a round every half hour of 1 to 6 January 2031, all counted; an incident of the fourth. */
static const char fleet[] =
    "INSERT INTO site (name) VALUES ('shop');"
    "INSERT INTO endpoint (site_id, host, port) VALUES (1, 'www.shop.example', 443), (1, "
    "'origin.shop.example', 443);"
    "INSERT INTO vantage (name, region, asn, certificate_sha256) VALUES ('a', 'cn', 1, ''), ('b', 'hk', 2, "
    "''), ('c', 'cn', 3, '');"
    "INSERT INTO certificate (sha256, subject, not_after) VALUES ('\\x01', 'CN=a', now());"
    "INSERT INTO chain (digest, sha256) VALUES ('\\x02', ARRAY['\\x01'::bytea]);"
    "SELECT attempt_partitions('2031-01-01', '2031-01-06');"
    "INSERT INTO round (interval_s, start_at, spread_us, timeout_us, deadline_at, endpoints, vantages, "
    "closed_at, judged_at)"
    " SELECT 60, at, 1, 1, at + interval '20 s', 2, 3, at, at FROM generate_series(timestamptz '2031-01-01 "
    "00:00Z', '2031-01-06 23:30Z', "
    "'30 minutes') AS at;"
    "INSERT INTO round_endpoint SELECT r.id, e.id FROM round r, endpoint e;"
    "INSERT INTO round_vantage (round_id, vantage_id) SELECT r.id, v.id FROM round r, vantage v;"
    "INSERT INTO attempt (endpoint_id, start_at, vantage_id, sequence, round_id, variant, role, rules, "
    "stage, class, raw_kind, raw,"
    " start_error_us, loop_lag_us, resolved_us, connect_us, connected_us, handshake_us, errno, errno_call, "
    "sent_bytes, received_bytes,"
    " ending, chain_id, staple, sct_count, evidence)"
    " SELECT e.id, r.start_at + interval '1 second', v.id, r.id, r.id, 0, 0, 1, CASE WHEN v.id = 3 THEN 4 "
    "ELSE 0 END,"
    " CASE WHEN v.id = 3 THEN 40 ELSE 0 END, 0, 0, 1, 1, 10, 20, 30, 40, 0, 0, 1, 1, 1, 1, 1, 1, '\\x00'"
    " FROM round r, endpoint e, vantage v;"
    "INSERT INTO incident (key, kind, opened_at, updated_at, closed_at, first_round, last_round, place, "
    "stage, class, raw_kind, raw, confidence,"
    " detail) SELECT 'k', 1, min(start_at), max(start_at), max(start_at), min(id), max(id), 1, 4, 40, 0, 0, "
    "1, '{}' FROM round"
    " WHERE start_at BETWEEN '2031-01-04 08:00Z' AND '2031-01-04 10:00Z';"
    "INSERT INTO incident_endpoint VALUES (1, 1);"
    "INSERT INTO rollup_due (bucket_at) SELECT DISTINCT date_bin('10 minutes', start_at, timestamptz "
    "'epoch') FROM attempt;";

static void run_sql(const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    PQclear(result);
}

static void run_statement(enum statement_id id, const char *values)
{
    char *sql = text_format("EXECUTE %s%s", statements[id].name, values);
    run_sql(sql);
    free(sql);
}

static void count_all(void)
{
    for (int minutes = 0; minutes < DAYS * 1440; minutes += 10) {
        char *bucket = text_format("(timestamptz '2031-01-01 00:00Z' + interval '%d minutes')", minutes);
        run_statement(STATEMENT_rollup_count, bucket);
        run_statement(STATEMENT_rollup_look, bucket);
        run_statement(STATEMENT_rollup_latency, bucket);
        if (minutes % 60 == 50) {
            run_statement(STATEMENT_rollup_count_hour, bucket);
            run_statement(STATEMENT_rollup_look_hour, bucket);
            run_statement(STATEMENT_rollup_latency_hour, bucket);
        }
        free(bucket);
    }
    run_sql("DELETE FROM rollup_due");
    run_sql("ANALYZE");
}

/* --- what is expected of each --- */

/* Days by bits: 1 << 1 is the first. */
#define DAY(n)    (1u << (n))
#define THE_DAY   DAY(SHORT_DAY)
#define TWO_DAYS  (DAY(3) | DAY(4))
#define NOTHING   0u
#define SHORT     "(NULL, '2031-01-04 10:00Z', '2031-01-04 11:30Z', NULL, NULL, NULL, NULL"
#define LONG      "(NULL, '2031-01-03 00:00Z', '2031-01-05 00:00Z', NULL, NULL, NULL, NULL"
#define THE_ROUND "165" /* of 10:00 on the fourth */
#define FROM_US   "(extract(epoch FROM timestamptz '2031-01-04 10:00Z') * 1000000)::bigint"
#define UNTIL_US  "(extract(epoch FROM timestamptz '2031-01-04 11:00Z') * 1000000)::bigint"
#define BUCKET    "('2031-01-04 10:00Z')"

static const struct reading {
    const char *name; /* ending in _: all that begin so and have no row of their own */
    const char *values;
    unsigned days;      /* whose partitions it may look into */
    bool by_index_only; /* the window is found by counts: no partition is read from end to end */
} readings[] = {
    {"case_attempts",
     "('{" THE_ROUND "," THE_ROUND "}', '{1,2}', '{3,3}', 100, '2031-01-04 08:00Z', '2031-01-04 12:00Z')",
     THE_DAY, false},
    {"case_rounds", "('{1,2}', '{40,40}', '2031-01-04 10:00Z', '2031-01-04 11:00Z', NULL)", THE_DAY, false},
    {"explain_case", "(1)", THE_DAY, false},
    {"explain_vantages", "(1)", THE_DAY, false},
    {"export_", "(NULL, '2031-01-04 10:00Z', '2031-01-04 11:30Z', NULL, NULL, NULL, false)", THE_DAY, false},
    {"judge_certificates", "(1, " FROM_US ", " UNTIL_US ")", THE_DAY, false},
    {"judge_counts", "(" FROM_US ", " UNTIL_US ")", THE_DAY, false},
    {"judge_looks", "(" FROM_US ", " UNTIL_US ")", THE_DAY, false},
    {"judge_sights", "(1, " FROM_US ", " UNTIL_US ")", THE_DAY, false},
    {"outlet_endpoints", "", DAY(6), false},
    {"outlet_skew", "", DAY(6), false},
    {"page_", SHORT ")", THE_DAY, false},
    {"page_heat", SHORT ", 60)", THE_DAY, false},
    {"reclassify_read", "('2031-01-04 00:00Z', 0, '-infinity', 0, 0, 100)", DAY(4) | DAY(5) | DAY(6), false},
    {"reclassify_update",
     "('{1}', '{2031-01-04 10:00:01Z}', '{1}', '{1}', '{0}', '{0}', '{0}', '{0}', 1::smallint)", THE_DAY,
     false},
    {"report_", SHORT ")", THE_DAY, false},
    {"report_latency", SHORT ", 60)", THE_DAY, false},
    {"rolled_", LONG ")", NOTHING, false},
    {"rolled_heat", LONG ", 600)", NOTHING, false},
    {"rolled_latency", LONG ", 3600)", NOTHING, false},
    {"rolled_site", LONG ")", TWO_DAYS, true},
    {"rolled_failures", LONG ")", TWO_DAYS, true},
    {"rolled_case_rounds", "('{1,2}', '{40,40}', '2031-01-03 00:00Z', '2031-01-05 00:00Z', NULL)", TWO_DAYS,
     true},
    {"rollup_count", BUCKET, THE_DAY, false},
    {"rollup_look", BUCKET, THE_DAY, false},
    {"rollup_latency", BUCKET, THE_DAY, false},
    {"rollup_repair", "('2031-01-05 12:00Z')", DAY(5) | DAY(6), false},
    {"status_lag", "", DAY(1) | DAY(2) | DAY(3) | DAY(4) | DAY(5) | DAY(6), true}, /* the end of each index */
    {"replay_members", NULL, 0, false}, /* of a database that holds a recording and nothing else: all of it */
};

static const struct reading *reading_of(const char *name)
{
    const struct reading *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        size_t length = strlen(readings[i].name);
        bool fits = readings[i].name[length - 1] == '_' ? strncmp(name, readings[i].name, length) == 0
                                                        : strcmp(name, readings[i].name) == 0;
        if (fits && length > longest) {
            best = &readings[i];
            longest = length;
        }
    }
    return best;
}

/* --- plans --- */

struct seen {
    const char *statement;
    const struct reading *reading;
    bool live; /* the plan was run, and tells what it looked into */
    unsigned days;
};

static void look_at(struct seen *seen, json_t *node)
{
    const char *relation = json_string_value(json_object_get(node, "Relation Name"));
    const char *type = json_string_value(json_object_get(node, "Node Type"));
    json_t *loops = json_object_get(node, "Actual Loops");
    bool ran = loops == NULL || json_number_value(loops) > 0;
    if (relation != NULL && ran && strncmp(relation, "attempt_203101", 14) == 0) {
        int day = atoi(relation + 14);
        seen->days |= DAY(day);
        if ((seen->reading->days & DAY(day)) == 0)
            fail_msg("%s looks into %s", seen->statement, relation);
        if (seen->reading->by_index_only && strcmp(type, "Seq Scan") == 0)
            fail_msg("%s reads %s from end to end", seen->statement, relation);
    }
    size_t i;
    json_t *child;
    json_array_foreach(json_object_get(node, "Plans"), i, child) look_at(seen, child);
}

static void explain(const struct statement *statement, const struct reading *reading, unsigned *ret_days)
{
    struct seen seen = {.statement = statement->name, .reading = reading};
    char *sql = text_format("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE %s%s", statement->name,
                            reading->values);
    run_sql("BEGIN");
    if (strncmp(statement->name, "rollup_", 7) == 0)
        run_statement(STATEMENT_rollup_clear, BUCKET);
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    json_t *plan = json_loads(PQgetvalue(result, 0, 0), 0, NULL);
    assert_non_null(plan);
    look_at(&seen, json_object_get(json_array_get(plan, 0), "Plan"));
    json_decref(plan);
    PQclear(result);
    run_sql("ROLLBACK");
    free(sql);
    *ret_days = seen.days;
}

/* In its own words or those of a function; comments do not count. */
static bool reads_attempts(const struct statement *statement)
{
    for (const char *line = statement->text; line != NULL && line[0] != '\0';) {
        const char *end = strchr(line, '\n');
        const char *comment = strstr(line, "--");
        size_t length = end == NULL ? strlen(line) : (size_t)(end - line);
        if (comment != NULL && comment < line + length)
            length = (size_t)(comment - line);
        for (const char *at = line; (at = strstr(at, "attempt")) != NULL && at < line + length; at++) {
            bool word = (at == line || strchr(" (\n", at[-1]) != NULL) &&
                        (at[7] == '\0' || strchr(" .\n)", at[7]) != NULL);
            if (word)
                return true;
        }
        line = end == NULL ? NULL : end + 1;
    }
    return false;
}

/* Of statements that a connection runs again and again, the plan for whatever parameters is what counts. */
static bool is_repeated(const char *name)
{
    static const char *const repeated[] = {"explain_", "judge_", "outlet_", "reclassify_", "rollup_"};
    for (size_t i = 0; i < sizeof repeated / sizeof repeated[0]; i++)
        if (strncmp(name, repeated[i], strlen(repeated[i])) == 0)
            return true;
    return false;
}

static void only_the_days_asked_for(void **arg)
{
    (void)arg;
    int reading = 0, found = 0;
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        const struct reading *expected = reading_of(statements[i].name);
        unsigned days = 0;
        if (expected == NULL && reads_attempts(&statements[i]))
            fail_msg("sql/statements/%s.sql reads attempts: say in this test of which days",
                     statements[i].name);
        if (expected == NULL || expected->values == NULL)
            continue;
        reading++;
        run_sql(is_repeated(statements[i].name) ? "SET plan_cache_mode TO force_generic_plan"
                                                : "SET plan_cache_mode TO force_custom_plan");
        explain(&statements[i], expected, &days);
        found += days != 0;
        if (days == 0 && expected->days != NOTHING)
            fail_msg("%s has found nothing to look into: the test is blind", statements[i].name);
    }
    assert_in_range(reading, 30, STATEMENT_COUNT);
    assert_in_range(found, 25, reading);
}

/* A round is found without its time being told. */
static void one_round_is_one_day(void **arg)
{
    static const struct reading of_round = {"report_", "(NULL, NULL, NULL, NULL, NULL, NULL, " THE_ROUND ")",
                                            THE_DAY, false};
    unsigned days = 0;
    (void)arg;
    run_sql("SET plan_cache_mode TO force_custom_plan");
    explain(&statements[STATEMENT_report_counts], &of_round, &days);
    assert_int_equal(days, THE_DAY);
    explain(&statements[STATEMENT_report_looks], &of_round, &days);
    assert_int_equal(days, THE_DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_days_asked_for),
        cmocka_unit_test(one_round_is_one_day),
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
    run_sql(fleet);
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        char *sql = connect_prepare_sql((enum statement_id)i);
        run_sql(sql);
        free(sql);
    }
    count_all();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    PQfinish(connection);
    cluster_close(cluster);
    return folder_remove(state) ? failed : 1;
}
