#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "private.h"
#include "store/cluster.h"

#include <libpq-fe.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char state[32];

static PGPing ping(void)
{
    char conninfo[128];
    (void)snprintf(conninfo, sizeof conninfo, "host=%s/run port=5432 dbname=postgres user=parallax", state);
    return PQping(conninfo);
}

static struct cluster *open_ok(void)
{
    char *why = NULL;
    struct cluster *cluster = cluster_open(state, NULL, &why);
    if (cluster == NULL)
        fail_msg("%s", why);
    return cluster;
}

static void starts_and_stops(void **arg)
{
    (void)arg;
    struct cluster *cluster = open_ok();
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    PGresult *result = PQexec(
        connection, "SELECT current_user || ' ' || current_setting('data_checksums') || ' ' || "
                    "current_setting('listen_addresses') || '|' || current_setting('server_encoding')");
    assert_string_equal(PQgetvalue(result, 0, 0), "parallax on |UTF8");
    PQclear(result);
    PQfinish(connection);
    struct stat status;
    char path[64];
    (void)snprintf(path, sizeof path, "%s/run", state);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    cluster_close(cluster);
    assert_int_equal(ping(), PQPING_NO_RESPONSE);
}

/* The last user stops it, whoever started it; users are processes. */
static void last_user_stops(void **arg)
{
    (void)arg;
    struct cluster *cluster = open_ok();
    int ready[2], finish[2];
    assert_int_equal(pipe(ready) | pipe(finish), 0);
    pid_t child = fork();
    if (child == 0) {
        char *why = NULL, byte = 0;
        struct cluster *second = cluster_open(state, NULL, &why);
        if (second == NULL || write(ready[1], "r", 1) != 1 || read(finish[0], &byte, 1) != 1)
            _exit(1);
        bool runs = ping() == PQPING_OK;
        cluster_close(second);
        _exit(runs ? 0 : 2);
    }
    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    cluster_close(cluster);
    assert_int_equal(ping(), PQPING_OK);
    assert_int_equal(write(finish[1], "f", 1), 1);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(ping(), PQPING_NO_RESPONSE);
    for (int i = 0; i < 2; i++) {
        (void)close(ready[i]);
        (void)close(finish[i]);
    }
}

static void adopts_what_a_killed_user_left(void **arg)
{
    (void)arg;
    pid_t child = fork();
    if (child == 0) {
        char *why = NULL;
        _exit(cluster_open(state, NULL, &why) == NULL ? 1 : (raise(SIGKILL), 0));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(ping(), PQPING_OK);
    struct cluster *cluster = open_ok();
    cluster_close(cluster);
    assert_int_equal(ping(), PQPING_NO_RESPONSE);
}

/* A postmaster that was killed leaves its pid file and its socket behind. */
static void starts_over_a_stale_pid_file(void **arg)
{
    (void)arg;
    struct cluster *cluster = open_ok();
    char path[64];
    (void)snprintf(path, sizeof path, "%s/pg/postmaster.pid", state);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    int pid = 0;
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    (void)fclose(file);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid); /* a zombie's pid would still count as running */
    struct cluster *again = open_ok();
    assert_int_equal(ping(), PQPING_OK);
    cluster_close(again); /* shared with the first of this very process: its lock is another open file */
    cluster_close(cluster);
    assert_int_equal(ping(), PQPING_NO_RESPONSE);
}

static void refuses_paths(void **arg)
{
    (void)arg;
    char *why = NULL;
    assert_null(cluster_open("/tmp/it's", NULL, &why));
    assert_non_null(strstr(why, "quote"));
    free(why);
    char deep[200];
    memset(deep, 'x', sizeof deep - 1);
    deep[0] = '/';
    deep[sizeof deep - 1] = '\0';
    assert_null(cluster_open(deep, NULL, &why));
    assert_non_null(strstr(why, "107"));
    free(why);
    char empty[32];
    private_state(empty);
    assert_null(cluster_open(empty, "/nonexistent/bin", &why));
    assert_non_null(strstr(why, "/nonexistent/bin/pg_ctl"));
    free(why);
    assert_true(folder_remove(empty));
}

int main(void)
{
    private_drop_root();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return 1;
    private_state(state);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_and_stops),
        cmocka_unit_test(last_user_stops),
        cmocka_unit_test(adopts_what_a_killed_user_left),
        cmocka_unit_test(starts_over_a_stale_pid_file),
        cmocka_unit_test(refuses_paths),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)folder_remove(state);
    return failed;
}
