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
 * The large tables can be distributed by endpoint (sql/citus.sql) without a change: the catalogue says that each of their unique keys has
 * the endpoint in it, and the plans of all statements that where two of them are joined, they are joined by endpoint.
 */

static char state[32];
static struct cluster *cluster;
static PGconn *connection;

/* As in sql/citus.sql, which is compared with it. */
static const char *const distributed[] = {
    "attempt",          "rollup_count",   "rollup_count_hour",  "rollup_look",
    "rollup_look_hour", "rollup_latency", "rollup_latency_hour"};
enum { DISTRIBUTED = sizeof distributed / sizeof distributed[0] };

static void run_sql(const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    PQclear(result);
}

/* A query for what must not be: its first row is why it is. */
static void expect_none(const char *what, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    if (PQntuples(result) > 0)
        fail_msg("%s: %s", PQgetvalue(result, 0, 0), what);
    PQclear(result);
}

static char *citus_sql(void)
{
    const char *source = getenv("PARALLAX_SOURCE_DIR");
    char *path = text_format("%s/sql/citus.sql", source == NULL ? "." : source);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    char *text = calloc(1, 16384);
    assert_in_range(fread(text, 1, 16383, file), 100, 16382);
    (void)fclose(file);
    free(path);
    return text;
}

static void the_file_names_every_large_table(void **arg)
{
    char *text = citus_sql();
    (void)arg;
    for (size_t i = 0; i < DISTRIBUTED; i++) {
        char *quoted = text_format("'%s'", distributed[i]);
        if (strstr(text, quoted) == NULL)
            fail_msg("sql/citus.sql does not distribute %s", distributed[i]);
        free(quoted);
    }
    free(text);
    expect_none("is large and not distributed: see this test and sql/citus.sql",
                "SELECT relname FROM pg_class c WHERE relnamespace = current_schema()::regnamespace AND NOT "
                "relispartition AND "
                "(relkind = 'p' OR relkind = 'r' AND relname LIKE 'rollup%' AND relname <> 'rollup_due') "
                "AND relname <> ALL (string_to_array(current_setting('test.distributed'), ','))");
}

static void every_unique_key_has_the_endpoint(void **arg)
{
    (void)arg;
    expect_none("has no column endpoint_id of type bigint that is never null",
                "SELECT name FROM unnest(string_to_array(current_setting('test.distributed'), ',')) AS name "
                "WHERE NOT EXISTS "
                "(SELECT FROM pg_attribute WHERE attrelid = name::regclass AND attname = 'endpoint_id' AND "
                "attnotnull AND "
                "atttypid = 'bigint'::regtype)");
    expect_none("is unique without the endpoint",
                "SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid WHERE "
                "i.indisunique AND "
                "(t.relname = ANY (string_to_array(current_setting('test.distributed'), ',')) OR "
                "t.relispartition) AND NOT EXISTS "
                "(SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND "
                "a.attname = 'endpoint_id')");
    expect_none("is a foreign key of or to a distributed table",
                "SELECT conname FROM pg_constraint JOIN "
                "unnest(string_to_array(current_setting('test.distributed'), ',')) AS name "
                "ON name::regclass IN (conrelid, confrelid) WHERE contype = 'f'");
}

/* --- joins --- */

static bool is_distributed(const char *relation)
{
    for (size_t i = 0; relation != NULL && i < DISTRIBUTED; i++)
        if (strcmp(relation, distributed[i]) == 0 || (i == 0 && strncmp(relation, "attempt_", 8) == 0))
            return true;
    return false;
}

static const char *text_in(json_t *node, const char *key)
{
    return json_string_value(json_object_get(node, key));
}

/* "(a.endpoint_id = b.endpoint_id)" in a condition of the node. */
static bool equates_endpoints(json_t *node)
{
    static const char *const keys[] = {"Hash Cond",    "Merge Cond", "Join Filter", "Index Cond",
                                       "Recheck Cond", "Filter",     "Cache Key"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *text = text_in(node, keys[i]);
        const char *first = text == NULL ? NULL : strstr(text, "endpoint_id = ");
        const char *end = first == NULL ? NULL : strchr(first, ')');
        const char *second = first == NULL ? NULL : strstr(first + 14, "endpoint_id");
        if (second != NULL && (end == NULL || second < end))
            return true;
    }
    return false;
}

/* Rows that a node made of others, and what is run for itself, are no longer those of a table. */
static bool is_made(json_t *node)
{
    static const char *const made[] = {"Aggregate", "WindowAgg", "Unique",
                                       "Limit",     "CTE Scan",  "Subquery Scan"};
    const char *type = text_in(node, "Node Type"), *parent = text_in(node, "Parent Relationship");
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        if (strcmp(type, made[i]) == 0)
            return true;
    return parent != NULL && (strcmp(parent, "InitPlan") == 0 || strcmp(parent, "SubPlan") == 0);
}

struct below {
    unsigned tables; /* sides of joins with a distributed table among them */
    bool equated;
};

/* @param bad  set to a join of two distributed tables that is not by endpoint. */
static struct below look_at(json_t *node, json_t **bad)
{
    struct below below = {0, equates_endpoints(node)};
    unsigned sides = 0;
    size_t i;
    json_t *child;
    json_array_foreach(json_object_get(node, "Plans"), i, child)
    {
        struct below part = look_at(child, bad);
        if (is_made(child))
            continue;
        sides += part.tables > 0;
        below.equated = below.equated || part.equated;
    }
    const char *type = text_in(node, "Node Type");
    bool is_join = strstr(type, "Join") != NULL || strcmp(type, "Nested Loop") == 0;
    if (is_join && sides > 1 && !below.equated)
        *bad = node;
    below.tables = sides > 0 || is_distributed(text_in(node, "Relation Name"));
    return below;
}

static bool joins_by_endpoint(const char *explain)
{
    json_t *bad = NULL;
    PGresult *result = PQexec(connection, explain);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", explain, PQresultErrorMessage(result));
    json_t *plan = json_loads(PQgetvalue(result, 0, 0), 0, NULL);
    assert_non_null(plan);
    (void)look_at(json_object_get(json_array_get(plan, 0), "Plan"), &bad);
    json_decref(plan);
    PQclear(result);
    return bad == NULL;
}

#define EXPLAIN "EXPLAIN (VERBOSE, FORMAT JSON) "

static void the_test_sees_joins(void **arg)
{
    (void)arg;
    assert_true(joins_by_endpoint(EXPLAIN "SELECT FROM attempt a JOIN rollup_count c ON c.endpoint_id = "
                                          "a.endpoint_id AND c.bucket_at = a.start_at"));
    assert_false(joins_by_endpoint(
        EXPLAIN "SELECT FROM attempt a JOIN rollup_count c ON c.vantage_id = a.vantage_id"));
    assert_false(joins_by_endpoint(EXPLAIN "SELECT FROM attempt a, rollup_count_hour c"));
    assert_true(joins_by_endpoint(EXPLAIN "SELECT FROM attempt a JOIN vantage v ON v.id = a.vantage_id"));
}

static void tables_are_joined_by_endpoint(void **arg)
{
    (void)arg;
    run_sql("SET plan_cache_mode TO force_generic_plan");
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        char *prepare = connect_prepare_sql((enum statement_id)i);
        char *explain = text_format(EXPLAIN "EXECUTE %s%s", statements[i].name,
                                    statements[i].param_count == 0 ? "" : " (NULL");
        run_sql(prepare);
        for (int k = 0; k < statements[i].param_count; k++) {
            char *longer = text_format("%s%s", explain, k + 1 < statements[i].param_count ? ", NULL" : ")");
            free(explain);
            explain = longer;
        }
        if (!joins_by_endpoint(explain))
            fail_msg("sql/statements/%s.sql joins two distributed tables, and not by endpoint_id",
                     statements[i].name);
        free(explain);
        free(prepare);
    }
}

/* For queries: test.distributed is the list above. */
static void name_tables(void)
{
    char *names = text_format("%s", distributed[0]);
    for (size_t i = 1; i < DISTRIBUTED; i++) {
        char *more = text_format("%s,%s", names, distributed[i]);
        free(names);
        names = more;
    }
    char *sql = text_format("SET test.distributed TO '%s'", names);
    run_sql(sql);
    free(sql);
    free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_names_every_large_table),
        cmocka_unit_test(every_unique_key_has_the_endpoint),
        cmocka_unit_test(the_test_sees_joins),
        cmocka_unit_test(tables_are_joined_by_endpoint),
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
    run_sql("SELECT attempt_partitions('2031-01-01', '2031-01-02')");
    name_tables();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    PQfinish(connection);
    cluster_close(cluster);
    return folder_remove(state) ? failed : 1;
}
