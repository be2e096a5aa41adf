#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/store/private.h"
#include "inject.h"
#include "store/cluster.h"
#include "store/connect.h"
#include "store/db.h"
#include "store/migrate.h"
#include "store/pg.h"

#include <string.h>

/*
 * Each call of the way to PostgreSQL fails once, in verbs (db) and on a loop (pg): whatever was said to be committed is there, what was
 * rolled back is not, a result is whole or is none. On the loop it also goes on by itself. Rows are tokens, numbered.
 */

enum { ROW = 5, ROWS = 5, HANG_S = 60 };

static char folder[32];
static struct cluster *cluster;
static PGconn *observer;
static unsigned long runs;

/* What one run did: a token of each is made. */
enum token { KEPT, GIVEN_UP, AFTER, TOKENS };

static void token_secret(enum token token, char out[32])
{
    (void)snprintf(out, 32, "\\x%012lx%02x", runs, (unsigned)token);
}

static bool is_there(enum token token)
{
    char secret[32];
    token_secret(token, secret);
    const char *values[] = {secret};
    inject_pause();
    PGresult *result =
        PQexecParams(observer, "SELECT FROM token WHERE secret_sha256 = $1", 1, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQresultErrorMessage(result));
    int rows = PQntuples(result);
    PQclear(result);
    inject_resume();
    return rows == 1;
}

/* --- verbs --- */

static bool db_make(struct db *db, enum token token)
{
    char secret[32];
    token_secret(token, secret);
    const char *values[] = {secret, "hk", "cn", "{}", NULL, "1000000"};
    PGresult *result = db_query(db, STATEMENT_token_create, values, 6);
    PQclear(result);
    return result != NULL;
}

/* @return whether it was said to be committed. */
static bool db_make_alone(struct db *db, enum token token)
{
    if (db_begin(db) && db_make(db, token) && db_commit(db))
        return true;
    db_rollback(db);
    return false;
}

static bool count_row(const PGresult *row, void *arg)
{
    assert_int_equal(PQntuples(row), 1);
    ++*(unsigned *)arg;
    return true;
}

static bool stop_at_once(const PGresult *row, void *arg)
{
    (void)row, (void)arg;
    return false;
}

/* Each answer is right or is none, whatever has failed before on this connection. */
static void db_read(struct db *db)
{
    unsigned rows = 0;
    PGresult *result = db_try(db, STATEMENT_ping, NULL, 0);
    assert_true(result == NULL || strcmp(PQgetvalue(result, 0, 0), "1") == 0);
    PQclear(result);
    (void)db_stream(db, STATEMENT_vantage_list, NULL, 0, stop_at_once, NULL);
    if (db_stream(db, STATEMENT_vantage_list, NULL, 0, count_row, &rows))
        assert_int_equal(rows, ROWS);
    if (db_listen(db, "parallax_test"))
        assert_int_not_equal(db_wait_notify(db, 0), 1);
    char *place = db_place(db);
    free(place);
}

static void db_run(void)
{
    const struct db_where where = {.url = cluster_conninfo(cluster), .state = folder};
    struct db *db = db_open(&where);
    if (db == NULL)
        return;
    db_read(db);
    bool kept = db_make_alone(db, KEPT);
    if (db_begin(db))
        (void)db_make(db, GIVEN_UP);
    db_rollback(db);
    bool after = db_make_alone(db, AFTER);
    db_close(db);
    assert_int_equal(is_there(KEPT), kept);
    assert_false(is_there(GIVEN_UP));
    assert_int_equal(is_there(AFTER), after);
}

static void fail_verbs(unsigned long length)
{
    unsigned long n = 0;
    for (bool failed = true; failed;) {
        runs++;
        inject_watch(HANG_S);
        inject_arm(++n, length);
        db_run();
        failed = inject_disarm();
    }
    assert_in_range(n, 30, 10000);
    print_message("store: verbs, %lu calls, %lu in a row failed from each on\n", n - 1, length);
}

static void each_call_of_verbs_fails(void **arg)
{
    (void)arg;
    fail_verbs(1);
}

static void several_calls_of_verbs_fail(void **arg)
{
    (void)arg;
    fail_verbs(ROW);
}

/* --- on a loop --- */

static uv_loop_t loop;
static uv_timer_t steps;
static struct pg *pg;
static enum token turn; /* TOKENS: all is done */
static bool under_way;
static bool unsure; /* a try of this turn lost its connection, and may be committed still */
static bool notified;

static void make_token(enum token token, pg_result_fn *on_result)
{
    char secret[32];
    token_secret(token, secret);
    const char *values[] = {secret, "hk", "cn", "{}", NULL, "1000000"};
    pg_exec(pg, STATEMENT_token_create, values, 6, on_result);
}

static void give_up(struct pg *same, PGresult *result, void *arg)
{
    (void)result, (void)arg;
    pg_abandon(same, "changed my mind");
}

static void copied(struct pg *same, PGresult *result, void *arg)
{
    (void)same, (void)arg;
    assert_string_equal(PQcmdTuples(result), "2");
    make_token(KEPT, NULL);
}

static enum pg_copied two_rows(struct buf *out, void *arg)
{
    (void)arg;
    bool made = buf_printf(out, "\\\\x%062lx01\t{}\n\\\\x%062lx02\t{}\n", runs, runs);
    return made ? PG_COPY_ALL : PG_COPY_FAILED;
}

static void start(struct pg *same, void *arg)
{
    (void)arg;
    if (turn != KEPT) {
        make_token(turn, turn == GIVEN_UP ? give_up : NULL);
        return;
    }
    pg_copy(same, "COPY chain (digest, sha256) FROM STDIN", two_rows, copied);
}

/* What a turn says at its end holds: only a lost connection leaves it open. */
static void end(bool committed, const char *why, void *arg)
{
    (void)arg;
    under_way = false;
    assert_true(committed == (why == NULL));
    bool there = is_there(turn);
    unsure = unsure || (!committed && pg_was_lost(pg));
    if (committed != there && !unsure)
        fail_msg("after a failure of %s: turn %u said %s, and it is %s", inject_what, (unsigned)turn,
                 committed ? "committed" : why, there ? "there" : "not there");
    if (turn == GIVEN_UP)
        assert_false(committed || there);
    if (!committed && !there && (turn != GIVEN_UP || strcmp(why, "changed my mind") != 0))
        return;
    unsure = false;
    turn++;
}

static void step(uv_timer_t *timer)
{
    const struct pg_turn next = {.start = start, .end = end};
    if (turn < TOKENS && !under_way)
        under_way = pg_submit(pg, &next);
    if (turn == TOKENS && !notified) { /* one that was sent while nobody listened does not come */
        inject_pause();
        PQclear(PQexec(observer, "NOTIFY parallax_test"));
        inject_resume();
    }
    if (turn < TOKENS || !notified)
        return;
    (void)uv_timer_stop(timer);
    uv_stop(&loop);
}

static void on_ready(void *arg)
{
    (void)arg;
    if (!uv_is_active((uv_handle_t *)&steps))
        uv_stop(&loop);
}

static void on_lost(const char *why, void *arg)
{
    (void)arg;
    assert_non_null(why);
}

static void on_notify(const char *channel, const char *payload, void *arg)
{
    (void)payload, (void)arg;
    assert_string_equal(channel, "parallax_test");
    notified = true;
}

static void ignore(void *arg)
{
    (void)arg;
}

static void pg_run(void)
{
    turn = KEPT;
    notified = false;
    (void)uv_timer_start(&steps, step, 0, 50);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(is_there(KEPT) && is_there(AFTER) && !is_there(GIVEN_UP));
}

static void pg_begin(void)
{
    static const char *const channels[] = {"parallax_test", NULL};
    static const struct pg_handlers handlers = {on_ready, on_lost, on_notify};
    const struct pg_settings settings = {.conninfo = cluster_conninfo(cluster), .channels = channels};
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_timer_init(&loop, &steps), 0);
    pg = pg_new(&loop, &settings, &handlers, NULL);
    assert_non_null(pg);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static void pg_end(void)
{
    pg_close(pg, ignore, NULL);
    uv_close((uv_handle_t *)&steps, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void fail_turns(unsigned long length)
{
    unsigned long n = 0;
    pg_begin();
    inject_here_only(true);
    for (bool failed = true; failed;) {
        runs++;
        inject_watch(HANG_S);
        inject_arm(++n, length);
        pg_run();
        failed = inject_disarm();
    }
    inject_here_only(false);
    pg_end();
    assert_in_range(n, 30, 10000);
    print_message("store: turns, %lu calls, %lu in a row failed from each on\n", n - 1, length);
}

static void each_call_of_turns_fails(void **arg)
{
    (void)arg;
    fail_turns(1);
}

static void several_calls_of_turns_fail(void **arg)
{
    (void)arg;
    fail_turns(ROW);
}

static bool prepare(void)
{
    char *why = NULL;
    observer = PQconnectdb(cluster_conninfo(cluster));
    connect_quiet(observer);
    if (!migrate(observer, &why))
        return false;
    PQclear(PQexec(observer, "INSERT INTO vantage (name, region, certificate_sha256) SELECT 'v' || n, 'cn', "
                             "decode(lpad(n::text, 2, '0'), 'hex') FROM generate_series(1, 5) AS n"));
    return true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_of_verbs_fails), cmocka_unit_test(several_calls_of_verbs_fail),
        cmocka_unit_test(each_call_of_turns_fails), cmocka_unit_test(several_calls_of_turns_fail)};
    char *why = NULL;
    private_drop_root();
    (void)setenv("PGOPTIONS", "-c synchronous_commit=off", 1); /* no crash of the server is part of this */
    private_state(folder);
    cluster = cluster_open(folder, NULL, &why);
    if (cluster == NULL || !prepare())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    PQfinish(observer);
    cluster_close(cluster);
    (void)folder_remove(folder);
    return failed;
}
