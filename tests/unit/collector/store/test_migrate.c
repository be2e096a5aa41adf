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
#include <sys/wait.h>

static char state[32];
static struct cluster *cluster;

static PGconn *connect_ok(void)
{
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    connect_quiet(connection);
    return connection;
}

static int number(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    int value = atoi(PQgetvalue(result, 0, 0));
    PQclear(result);
    return value;
}

static void several_at_once(void **arg)
{
    (void)arg;
    enum { PROGRAMS = 4 };
    pid_t child[PROGRAMS];
    for (int i = 0; i < PROGRAMS; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            char *why = NULL;
            PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
            connect_quiet(connection);
            bool done = migrate(connection, &why);
            if (!done)
                (void)fprintf(stderr, "%s\n", why);
            _exit(done ? 0 : 1);
        }
    }
    for (int i = 0; i < PROGRAMS; i++) {
        int status = 0;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    PGconn *connection = connect_ok();
    assert_int_equal(number(connection, "SELECT count(*) FROM schema_migration"), migration_count);
    char *why = NULL;
    assert_true(migrate(connection, &why));
    assert_int_equal(number(connection, "SELECT count(*) FROM schema_migration"), migration_count);
    PQfinish(connection);
}

static void every_statement_prepares(void **arg)
{
    (void)arg;
    PGconn *connection = connect_ok();
    char *why = NULL;
    assert_true(migrate(connection, &why));
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        char *sql = connect_prepare_sql((enum statement_id)i);
        PGresult *result = PQexec(connection, sql);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            fail_msg("sql/statements/%s.sql: %s", statements[i].name, PQresultErrorMessage(result));
        PQclear(result);
        free(sql);
    }
    assert_int_equal(number(connection, "SELECT count(*) FROM pg_prepared_statements"), STATEMENT_COUNT);
    PQfinish(connection);
}

static void partitions_once(void **arg)
{
    (void)arg;
    PGconn *connection = connect_ok();
    const char *make = "SELECT attempt_partitions('2031-01-01', '2031-01-04')";
    assert_int_equal(number(connection, make), 4);
    assert_int_equal(number(connection, make), 0);
    PQfinish(connection);
}

static void newer_database_is_refused(void **arg)
{
    (void)arg;
    PGconn *connection = connect_ok();
    PQclear(
        PQexec(connection, "INSERT INTO schema_migration (version, name) VALUES (999, 'from the future')"));
    char *why = NULL;
    assert_false(migrate(connection, &why));
    assert_non_null(strstr(why, "version 999"));
    free(why);
    PQclear(PQexec(connection, "DELETE FROM schema_migration WHERE version = 999"));
    PQfinish(connection);
}

int main(void)
{
    private_drop_root();
    private_state(state);
    char *why = NULL;
    cluster = cluster_open(state, NULL, &why);
    if (cluster == NULL) {
        (void)fprintf(stderr, "%s\n", why);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_at_once),
        cmocka_unit_test(every_statement_prepares),
        cmocka_unit_test(partitions_once),
        cmocka_unit_test(newer_database_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cluster_close(cluster);
    (void)folder_remove(state);
    return failed;
}
