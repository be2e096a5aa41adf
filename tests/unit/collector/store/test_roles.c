#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "private.h"
#include "store/cluster.h"
#include "store/connect.h"
#include "store/migrate.h"
#include "store/roles.h"
#include "store/statements.h"
#include "words/buf.h"

#include <string.h>
#include <sys/wait.h>

static char state[32];
static struct cluster *cluster;

enum { INGEST = 1, PLAN = 2, READ = 4, LOGIN = 8 };
static const char *const role_names[] = {ROLE_INGEST, ROLE_PLAN, ROLE_READ};

/* Whose connections run a statement: by its own name, else by the longest beginning of it. LOGIN: an administrator's verbs only. */
static const struct {
    const char *name;
    unsigned roles;
} owners[] = {
    {"authority_", LOGIN},
    {"case_", PLAN | READ},
    {"certificate_store", INGEST},
    {"collector_beat", PLAN},
    {"collector_bury", PLAN},
    {"collector_start", LOGIN},
    {"enrol_", INGEST},
    {"explain_", READ},
    {"export_", READ},
    {"import_", LOGIN},
    {"incident_", READ},
    {"ingest_", INGEST},
    {"judge_", PLAN},
    {"judge_vantages", PLAN | READ},
    {"key_use", INGEST},
    {"outlet_", PLAN},
    {"page_", READ},
    {"ping", INGEST | PLAN | READ},
    {"plan_", PLAN},
    {"probe_", LOGIN},
    {"probe_cells", READ},
    {"reclassify_", LOGIN},
    {"renew_", INGEST},
    {"replay_", LOGIN},
    {"report_", READ},
    {"rolled_", READ},
    {"rolled_case_rounds", PLAN | READ},
    {"retain_", PLAN | LOGIN},
    {"rollup_", PLAN},
    {"session_", INGEST},
    {"session_hold", PLAN},
    {"session_reset", PLAN},
    {"session_valid", PLAN},
    {"site_", LOGIN},
    {"site_find", LOGIN | READ},
    {"site_list", READ},
    {"site_names", LOGIN | READ},
    {"site_show", READ},
    {"status_", LOGIN},
    {"token_", LOGIN},
    {"vantage_list", READ},
    {"vantage_revoke", LOGIN},
    {"watch_", READ},
};

/* Tables that no role sees. */
static const char *const nobodys[] = {"schema_migration"};

static unsigned owners_of(const char *name)
{
    size_t best = 0;
    unsigned roles = 0;
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        size_t length = strlen(owners[i].name);
        bool fits = owners[i].name[length - 1] == '_' ? strncmp(name, owners[i].name, length) == 0
                                                      : strcmp(name, owners[i].name) == 0;
        if (fits && length > best) {
            best = length;
            roles = owners[i].roles;
        }
    }
    return roles;
}

static PGconn *connect_as(const char *role)
{
    char *why = NULL;
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    connect_quiet(connection);
    assert_true(migrate(connection, &why));
    if (role != NULL)
        assert_true(roles_set(connection, role, &why));
    return connection;
}

/* SQLSTATE of a command, "" when it works. What it did is undone. */
static const char *state_of(PGconn *connection, const char *sql)
{
    static char sqlstate[6];
    PQclear(PQexec(connection, "BEGIN"));
    PGresult *result = PQexec(connection, sql);
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    (void)snprintf(sqlstate, sizeof sqlstate, "%s", code == NULL ? "" : code);
    PQclear(result);
    PQclear(PQexec(connection, "ROLLBACK"));
    return sqlstate;
}

static const char denied[] = "42501";

static char *execute_sql(const struct statement *statement)
{
    struct buf sql;
    buf_init(&sql, 0);
    assert_true(buf_printf(&sql, "EXECUTE %s", statement->name));
    for (int i = 0; i < statement->param_count; i++)
        assert_true(buf_text(&sql, i == 0 ? " (NULL" : ", NULL"));
    assert_true(statement->param_count == 0 || buf_text(&sql, ")"));
    return buf_take(&sql);
}

/* Privileges are looked at before the first row is, so that a statement of nulls shows whether it is allowed. */
static void each_role_runs_its_statements(void **arg)
{
    (void)arg;
    for (unsigned role = 0; role < 3; role++) {
        PGconn *connection = connect_as(role_names[role]);
        unsigned mine = 0;
        for (int i = 0; i < STATEMENT_COUNT; i++) {
            unsigned owner = owners_of(statements[i].name);
            if (owner == 0)
                fail_msg("sql/statements/%s.sql: whose is it? see owners in this test", statements[i].name);
            if ((owner & (1u << role)) == 0)
                continue;
            mine++;
            char *prepare = connect_prepare_sql((enum statement_id)i);
            char *execute = execute_sql(&statements[i]);
            PQclear(PQexec(connection, prepare));
            if (strcmp(state_of(connection, execute), denied) == 0) {
                PGresult *again = PQexec(connection, execute);
                fail_msg("%s may not run %s: %s", role_names[role], statements[i].name,
                         PQresultErrorMessage(again));
            }
            free(prepare);
            free(execute);
        }
        assert_in_range(mine, 10, STATEMENT_COUNT);
        PQfinish(connection);
    }
}

static void refused(PGconn *connection, const char *sql)
{
    const char *code = state_of(connection, sql);
    if (strcmp(code, denied) != 0)
        fail_msg("%s: state \"%s\", expected %s", sql, code, denied);
}

static void what_is_not_granted_is_refused(void **arg)
{
    (void)arg;
    PGconn *ingest = connect_as(ROLE_INGEST), *plan = connect_as(ROLE_PLAN), *reads = connect_as(ROLE_READ);
    assert_string_equal(state_of(ingest, "SELECT nextval('session_number')"), "");
    refused(ingest, "DELETE FROM attempt");
    refused(ingest, "UPDATE attempt SET class = 0");
    refused(ingest, "SELECT evidence FROM attempt");
    refused(ingest, "UPDATE site SET interval_s = 1");
    refused(ingest, "INSERT INTO endpoint (host, port) VALUES ('a', 1)");
    refused(ingest,
            "INSERT INTO token (secret_sha256, vantage, region, expires_at) VALUES ('', 'a', 'b', now())");
    refused(ingest, "UPDATE token SET secret_sha256 = ''");
    refused(ingest, "UPDATE token SET expires_at = now()");
    refused(ingest, "DELETE FROM vantage");
    refused(ingest, "INSERT INTO round_endpoint VALUES (1, 1)");
    refused(ingest, "SELECT attempt_partitions(current_date, current_date)");
    refused(ingest, "SELECT attempt_drop(current_date)");
    refused(ingest, "CREATE TABLE mine (id integer)");
    refused(plan, "SELECT vantage FROM token");
    refused(plan, "INSERT INTO attempt SELECT * FROM attempt");
    refused(plan, "DELETE FROM attempt");
    refused(plan, "UPDATE vantage SET certificate_sha256 = ''");
    refused(plan, "UPDATE vantage SET revoked_at = NULL");
    refused(plan, "UPDATE vantage_cursor SET committed = 0");
    refused(plan, "UPDATE endpoint SET host = 'a'");
    refused(plan, "CREATE TABLE mine (id integer)");
    refused(plan, "DROP TABLE attempt_default");
    refused(reads, "SELECT vantage FROM token");
    refused(reads, "SELECT fingerprint FROM authority");
    refused(reads, "SELECT count(*) FROM attempt_default");
    refused(reads, "SELECT attempt_drop(current_date)");
    refused(reads, "SELECT attempt_strays(now())");
    assert_string_equal(state_of(reads, "SELECT count(*) FROM attempt"), "");
    PQfinish(ingest);
    PQfinish(plan);
    PQfinish(reads);
}

static PGresult *rows_of(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    return result;
}

static void who_reads_writes_nothing(void **arg)
{
    (void)arg;
    PGconn *connection = connect_as(NULL);
    PGresult *rows = rows_of(
        connection, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND "
                    "relkind IN ('r', 'p') AND (has_table_privilege('" ROLE_READ
                    "', oid, 'INSERT, UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege('" ROLE_READ
                    "', oid, 'INSERT, UPDATE'))");
    assert_int_equal(PQntuples(rows), 0);
    PQclear(rows);
    PQfinish(connection);
}

static void every_table_has_a_decision(void **arg)
{
    (void)arg;
    PGconn *connection = connect_as(NULL);
    PGresult *rows = rows_of(
        connection, "SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND "
                    "relkind IN ('r', 'p') AND NOT relispartition AND NOT EXISTS (SELECT FROM "
                    "unnest(ARRAY['" ROLE_INGEST "', '" ROLE_PLAN "', '" ROLE_READ
                    "']) AS role WHERE has_any_column_privilege(role, c.oid, 'SELECT, INSERT, UPDATE'))");
    for (int row = 0; row < PQntuples(rows); row++) {
        bool decided = false;
        for (size_t i = 0; i < sizeof nobodys / sizeof nobodys[0]; i++)
            decided = decided || strcmp(PQgetvalue(rows, row, 0), nobodys[i]) == 0;
        if (!decided)
            fail_msg("table %s: say in sql/roles.sql who may do what with it", PQgetvalue(rows, row, 0));
    }
    PQclear(rows);
    PQfinish(connection);
}

static void partitions_are_made_by_who_plans(void **arg)
{
    (void)arg;
    PGconn *connection = connect_as(ROLE_PLAN);
    /* A table of the same name elsewhere on the path must not be taken for ours. */
    PQclear(PQexec(connection, "CREATE TEMPORARY TABLE attempt_default (start_at integer)"));
    PGresult *rows = rows_of(connection, "SELECT attempt_partitions('2032-01-01', '2032-01-02')");
    assert_string_equal(PQgetvalue(rows, 0, 0), "2");
    PQclear(rows);
    rows = rows_of(connection,
                   "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'attempt_20320101'");
    assert_string_equal(PQgetvalue(rows, 0, 0), "parallax");
    PQclear(rows);
    PQfinish(connection);
}

/* Who plans owns none of the tables, and can drop nothing but a day that is done with. */
static void days_are_dropped_by_who_plans(void **arg)
{
    (void)arg;
    PGconn *connection = connect_as(ROLE_PLAN);
    PQclear(rows_of(connection, "SELECT attempt_partitions('2032-02-01', '2032-02-02')"));
    refused(connection, "DROP TABLE attempt_20320201");
    PQclear(PQexec(connection, "CREATE TEMPORARY TABLE attempt_20320201 (start_at integer)"));
    PQclear(
        rows_of(connection, "INSERT INTO rollup_due (bucket_at) VALUES ('2032-02-02 00:00Z') RETURNING 1"));
    PGresult *rows = rows_of(connection, "SELECT attempt_drop('2032-02-02'), attempt_drop('2032-02-01')");
    assert_string_equal(PQgetvalue(rows, 0, 0), "f");
    assert_string_equal(PQgetvalue(rows, 0, 1), "t");
    PQclear(rows);
    rows = rows_of(connection, "SELECT string_agg(relname, ' ') FROM pg_class WHERE relname IN "
                               "('attempt_20320201', 'attempt_20320202') AND relpersistence = 'p'");
    assert_string_equal(PQgetvalue(rows, 0, 0), "attempt_20320202");
    PQclear(rows);
    PQclear(rows_of(connection, "DELETE FROM rollup_due RETURNING 1"));
    PQfinish(connection);
}

/* Many databases of one server, made at once, share the roles. */
static void databases_at_once(void **arg)
{
    (void)arg;
    enum { DATABASES = 5 };
    pid_t child[DATABASES];
    PGconn *connection = connect_as(NULL);
    for (int i = 0; i < DATABASES; i++) {
        char *sql = text_format("CREATE DATABASE at_once_%d", i);
        PQclear(PQexec(connection, sql));
        free(sql);
    }
    PQclear(PQexec(connection, "DROP OWNED BY " ROLE_INGEST ", " ROLE_PLAN ", " ROLE_READ));
    PQclear(PQexec(connection, "DROP ROLE " ROLE_INGEST ", " ROLE_PLAN ", " ROLE_READ));
    for (int i = 0; i < DATABASES; i++) {
        child[i] = fork();
        if (child[i] != 0)
            continue;
        char *why = NULL;
        bool in_force = false;
        char *info = text_format("%s dbname=at_once_%d", cluster_conninfo(cluster), i);
        PGconn *mine = PQconnectdb(info);
        connect_quiet(mine);
        if (!migrate(mine, &why) || !roles_settle(mine, &in_force, &why))
            (void)fprintf(stderr, "%s\n", why);
        _exit(in_force ? 0 : 1);
    }
    for (int i = 0; i < DATABASES; i++) {
        int status = 0;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    bool in_force = false;
    char *why = NULL;
    assert_true(roles_settle(connection, &in_force, &why));
    assert_true(in_force);
    PQfinish(connection);
}

/* As with a managed server: the login may make neither roles nor members of them. */
static void without_roles(void **arg)
{
    (void)arg;
    PGconn *owner = connect_as(NULL);
    PQclear(PQexec(owner, "CREATE ROLE managed LOGIN"));
    PQclear(PQexec(owner, "CREATE DATABASE managed OWNER managed"));
    char *info = text_format("%s dbname=managed options='-c role=managed'", cluster_conninfo(cluster));
    PGconn *managed = PQconnectdb(info);
    char *why = NULL;
    bool in_force = true;
    connect_quiet(managed);
    /* The session's own user is the superuser of the test's cluster: it is given up for good. */
    PQclear(PQexec(managed, "SET SESSION AUTHORIZATION managed"));
    assert_true(migrate(managed, &why));
    assert_true(roles_settle(managed, &in_force, &why));
    assert_false(in_force);
    assert_true(roles_set(managed, ROLE_READ, &why));
    assert_string_equal(state_of(managed, "SELECT vantage FROM token"), "");
    PQclear(PQexec(owner, "GRANT " ROLE_INGEST ", " ROLE_PLAN ", " ROLE_READ " TO managed"));
    assert_true(roles_settle(managed, &in_force, &why));
    assert_true(in_force);
    assert_true(roles_set(managed, ROLE_READ, &why));
    refused(managed, "SELECT vantage FROM token");
    PQfinish(managed);
    PQfinish(owner);
    free(info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_runs_its_statements),
        cmocka_unit_test(what_is_not_granted_is_refused),
        cmocka_unit_test(who_reads_writes_nothing),
        cmocka_unit_test(every_table_has_a_decision),
        cmocka_unit_test(partitions_are_made_by_who_plans),
        cmocka_unit_test(days_are_dropped_by_who_plans),
        cmocka_unit_test(databases_at_once),
        cmocka_unit_test(without_roles),
    };
    private_drop_root();
    private_state(state);
    char *why = NULL;
    cluster = cluster_open(state, NULL, &why);
    if (cluster == NULL) {
        (void)fprintf(stderr, "%s\n", why == NULL ? "out of memory" : why);
        free(why);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cluster_close(cluster);
    return folder_remove(state) ? failed : 1;
}
