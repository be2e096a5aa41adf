#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "private.h"
#include "store/cluster.h"
#include "store/connect.h"
#include "store/migrate.h"
#include "store/pg.h"

#include <string.h>

static char state[32];
static struct cluster *cluster;
static uv_loop_t loop;

/* What one test does on the loop, and what it saw. */
struct run {
    struct pg *pg;
    unsigned ready;
    unsigned lost;
    unsigned results;
    unsigned committed;
    unsigned failed;
    char why[256];
    char value[64];
    char payload[64];
    void (*on_ready)(struct run *run);
    void (*on_end)(struct run *run);
    int given;    /* rows of a COPY */
    int fails_at; /* so many; -1: never */
};

static void run_closed(void *arg)
{
    (void)arg;
}

static void close_pg(struct run *run)
{
    pg_close(run->pg, run_closed, run);
}

static void ready(void *arg)
{
    struct run *run = arg;
    run->ready++;
    run->on_ready(run);
}

static void lost(const char *why, void *arg)
{
    struct run *run = arg;
    (void)why;
    run->lost++;
}

static void notified(const char *channel, const char *payload, void *arg)
{
    struct run *run = arg;
    assert_string_equal(channel, "parallax_test");
    (void)snprintf(run->payload, sizeof run->payload, "%s", payload);
    close_pg(run);
}

static void ended(bool committed, const char *why, void *arg)
{
    struct run *run = arg;
    run->committed += committed;
    run->failed += !committed;
    if (why != NULL)
        (void)snprintf(run->why, sizeof run->why, "%s", why);
    if (run->on_end != NULL)
        run->on_end(run);
}

static void submit(struct run *run, void (*start)(struct pg *, void *))
{
    struct pg_turn turn = {.start = start, .end = ended, .arg = run};
    assert_true(pg_submit(run->pg, &turn));
}

static void run_loop(struct run *run)
{
    static const char *const channels[] = {"parallax_test", NULL};
    static const struct pg_handlers handlers = {ready, lost, notified};
    assert_int_equal(uv_loop_init(&loop), 0);
    const struct pg_settings settings = {.conninfo = cluster_conninfo(cluster), .channels = channels};
    run->pg = pg_new(&loop, &settings, &handlers, run);
    assert_non_null(run->pg);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static char *ask(const char *sql)
{
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    PGresult *result = PQexec(connection, sql);
    char *value = PQntuples(result) == 1 ? strdup(PQgetvalue(result, 0, 0)) : NULL;
    PQclear(result);
    PQfinish(connection);
    return value;
}

static void expect(const char *sql, const char *text)
{
    char *value = ask(sql);
    assert_string_equal(value == NULL ? "" : value, text);
    free(value);
}

/* --- a turn of several commands --- */

static void token_made(struct pg *pg, PGresult *result, void *arg)
{
    struct run *run = arg;
    (void)pg;
    assert_string_equal(PQcmdTuples(result), "1");
    run->results++;
}

static void make_token(struct pg *pg, const char *name)
{
    const char *values[] = {name[0] == 'a' ? "\\x01" : "\\x02", name, "cn", "{}", NULL, "1000000"};
    pg_exec(pg, STATEMENT_token_create, values, 6, token_made);
}

static void start_first(struct pg *pg, void *arg)
{
    (void)arg;
    make_token(pg, "a");
}

static void ready_first(struct run *run)
{
    submit(run, start_first);
}

static void commits_when_nothing_more_is_sent(void **arg)
{
    (void)arg;
    struct run run = {.on_ready = ready_first, .on_end = close_pg};
    run_loop(&run);
    assert_int_equal(run.committed, 1);
    assert_int_equal(run.results, 1);
    expect("SELECT count(*) FROM token", "1");
}

/* --- an error rolls back, and the next turn goes on --- */

static void twice(struct pg *pg, PGresult *result, void *arg)
{
    (void)result, (void)arg;
    make_token(pg, "a"); /* the key is there already */
}

static void start_doubled(struct pg *pg, void *arg)
{
    const char *values[] = {"\\x02", "b", "cn", "{}", NULL, "1000000"};
    (void)arg;
    pg_exec(pg, STATEMENT_token_create, values, 6, twice);
}

static void start_abandoned(struct pg *pg, void *arg)
{
    (void)arg;
    pg_abandon(pg, "changed my mind");
}

static void ready_doubled(struct run *run)
{
    submit(run, start_doubled);
    submit(run, start_abandoned);
}

static void close_after_two(struct run *run)
{
    if (run->failed == 1)
        assert_non_null(strstr(run->why, "duplicate key"));
    if (run->failed == 2)
        close_pg(run);
}

static void errors_roll_back(void **arg)
{
    (void)arg;
    struct run run = {.on_ready = ready_doubled, .on_end = close_after_two};
    run_loop(&run);
    assert_int_equal(run.committed, 0);
    assert_int_equal(run.results, 0);
    assert_string_equal(run.why, "changed my mind");
    expect("SELECT count(*) FROM token", "1");
}

/* --- COPY larger than any socket buffer --- */

enum { COPY_ROWS = 100000 };

static enum pg_copied give(struct buf *out, void *arg)
{
    struct run *run = arg;
    if (run->given == run->fails_at)
        return PG_COPY_FAILED;
    for (int i = 0; i < 1000; i++)
        assert_true(buf_printf(out, "\\\\x%064x\t{}\n", run->given++));
    return run->given == COPY_ROWS ? PG_COPY_ALL : PG_COPY_MORE;
}

static void start_copy(struct pg *pg, void *arg)
{
    (void)arg;
    pg_copy(pg, "COPY chain (digest, sha256) FROM STDIN", give, NULL);
}

static void ready_copy(struct run *run)
{
    submit(run, start_copy);
}

static void copies_without_blocking(void **arg)
{
    (void)arg;
    struct run run = {.on_ready = ready_copy, .on_end = close_pg, .fails_at = -1};
    run_loop(&run);
    assert_int_equal(run.committed, 1);
    expect("SELECT count(*) FROM chain", "100000");
}

/* --- COPY that ends a turn --- */

static void start_copy_last(struct pg *pg, void *arg)
{
    (void)arg;
    static const char *const values[] = {"{7}", "{\"it's\"}", "{8}"};
    pg_copy_last(pg, "COPY chain (digest, sha256) FROM STDIN", give, STATEMENT_ingest_refused, values, 3);
}

static void ready_copy_last(struct run *run)
{
    submit(run, start_copy_last);
}

static void close_after_second(struct run *run)
{
    if (run->committed + run->failed == 2) {
        close_pg(run);
        return;
    }
    run->given = 0;
    run->fails_at = -1;
    submit(run, start_copy_last);
}

/* A row that is there twice: nothing of it is stored, and the transaction is over. */
static void what_follows_a_copy_that_fails_is_not_done(void **arg)
{
    (void)arg;
    struct run run = {.on_ready = ready_copy_last, .on_end = close_pg, .fails_at = -1};
    run_loop(&run);
    assert_int_equal(run.failed, 1);
    assert_non_null(strstr(run.why, "duplicate key"));
    expect("SELECT count(*) FROM chain", "100000");
    expect("SELECT count(*) FROM refused_record", "0");
}

/* Without memory in the middle it is rolled back; then it goes in, with what follows it, and the connection is the same. */
static void a_copy_can_end_the_turn(void **arg)
{
    (void)arg;
    struct run run = {.on_ready = ready_copy_last, .on_end = close_after_second, .fails_at = 5000};
    free(ask("INSERT INTO vantage (id, name, region, certificate_sha256) OVERRIDING SYSTEM VALUE VALUES (7, "
             "'seven', 'hk', '') RETURNING id"));
    free(ask("WITH gone AS (DELETE FROM chain RETURNING id) SELECT count(*) FROM gone"));
    run_loop(&run);
    assert_int_equal(run.failed, 1);
    assert_int_equal(run.committed, 1);
    assert_non_null(strstr(run.why, "out of memory"));
    assert_int_equal(run.ready, 1);
    expect("SELECT count(*) FROM chain", "100000");
    expect("SELECT reason || ' ' || count FROM refused_record", "it's 8");
}

/* --- NOTIFY --- */

static void ready_notify(struct run *run)
{
    (void)run;
    free(ask("NOTIFY parallax_test, 'hello'"));
}

static void hears_notifications(void **arg)
{
    (void)arg;
    struct run run = {.on_ready = ready_notify};
    run_loop(&run);
    assert_string_equal(run.payload, "hello");
}

/* --- the connection is cut in the middle of a turn --- */

static void cut(struct pg *pg, PGresult *result, void *arg)
{
    (void)result, (void)arg;
    free(
        ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
            "application_name = 'parallax-collector'"));
    pg_exec(pg, STATEMENT_ping, NULL, 0, NULL);
}

static void start_cut(struct pg *pg, void *arg)
{
    (void)arg;
    pg_exec(pg, STATEMENT_ping, NULL, 0, cut);
}

static void start_ping(struct pg *pg, void *arg)
{
    (void)arg;
    pg_exec(pg, STATEMENT_ping, NULL, 0, NULL);
}

static void ready_cut(struct run *run)
{
    if (run->ready > 1)
        return;
    submit(run, start_cut);
    submit(run, start_ping); /* waits for the next connection */
}

static void close_after_commit(struct run *run)
{
    if (run->failed == 1 && run->committed == 0)
        assert_true(pg_was_lost(run->pg));
    if (run->committed == 1)
        close_pg(run);
}

static void comes_back(void **arg)
{
    (void)arg;
    struct run run = {.on_ready = ready_cut, .on_end = close_after_commit};
    run_loop(&run);
    assert_int_equal(run.failed, 1);
    assert_int_equal(run.committed, 1);
    assert_int_equal(run.ready, 2);
    assert_true(run.lost >= 1);
}

/* --- closing --- */

static void ready_close(struct run *run)
{
    submit(run, start_ping); /* runs to its end */
    submit(run, start_ping); /* never begins */
    close_pg(run);
    struct pg_turn turn = {.start = start_ping, .end = ended, .arg = run};
    assert_false(pg_submit(run->pg, &turn));
}

static void closing_ends_every_turn(void **arg)
{
    (void)arg;
    struct run run = {.on_ready = ready_close};
    run_loop(&run);
    assert_int_equal(run.committed, 1);
    assert_int_equal(run.failed, 1);
    assert_string_equal(run.why, "");
}

int main(void)
{
    private_drop_root();
    private_state(state);
    char *why = NULL;
    cluster = cluster_open(state, NULL, &why);
    if (cluster == NULL)
        return 1;
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    connect_quiet(connection);
    bool migrated = migrate(connection, &why);
    PQfinish(connection);
    if (!migrated)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_when_nothing_more_is_sent),
        cmocka_unit_test(errors_roll_back),
        cmocka_unit_test(copies_without_blocking),
        cmocka_unit_test(what_follows_a_copy_that_fails_is_not_done),
        cmocka_unit_test(a_copy_can_end_the_turn),
        cmocka_unit_test(hears_notifications),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(closing_ends_every_turn),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cluster_close(cluster);
    (void)folder_remove(state);
    return failed;
}
