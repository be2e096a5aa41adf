#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../store/private.h"
#include "ingest/ingest.h"
#include "link/clock.h"
#include "store/cluster.h"
#include "store/connect.h"
#include "store/migrate.h"

#include <stdlib.h>
#include <string.h>

/*
 * Two collectors on one database, as far as sessions and results go: each has its own connection and its own ingest, and one vantage has
 * a session with each. What one transaction says is waited for before the next begins, so every order below is the one that happens.
 */

static char state[32];
static struct cluster *cluster;
static uv_loop_t loop;
static int64_t known_endpoint;
static char certificate[] = "\\x01";

struct collector {
    struct pg *pg;
    struct ingest *ingest;
    bool ready;
    bool turn_over;
    int64_t session; /* that open_session made last */
    uint64_t committed;
};
static struct collector here, there;

/* A session as ingest sees it, and what it was told. */
struct session_seen {
    struct ingest_source source; /* first */
    struct collector *collector;
    uint64_t acked;
    unsigned acks;
    unsigned replaced;
};

static void stopped(void *arg)
{
    (void)arg;
}

static char *ask(const char *sql)
{
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQresultErrorMessage(result));
    char *value = strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(connection);
    return value;
}

static void expect(const char *sql, const char *text)
{
    char *value = ask(sql);
    assert_string_equal(value, text);
    free(value);
}

static void stored(struct ingest_source *source, uint64_t committed)
{
    struct session_seen *session = (struct session_seen *)source;
    session->acked = committed;
    session->acks++;
}

static void wanted(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count)
{
    (void)source, (void)sha256, (void)count;
}

static void refused(struct ingest_source *source, const char *why)
{
    (void)source;
    fail_msg("%s", why);
}

static void replaced(struct ingest_source *source)
{
    struct session_seen *session = (struct session_seen *)source;
    session->replaced++;
    source->gone = true;
    ingest_forget(session->collector->ingest, source);
}

static void released(struct ingest_source *source)
{
    (void)source;
}

static void lied(struct ingest_source *source, const struct refused_note *note)
{
    (void)source;
    fail_msg("%zu records are refused: %s", note->count, refusal_text(note->refusal));
}

static void on_ready(void *arg)
{
    ((struct collector *)arg)->ready = true;
}

static void on_lost(const char *why, void *arg)
{
    (void)arg;
    fail_msg("%s", why);
}

static void on_notify(const char *channel, const char *payload, void *arg)
{
    (void)channel, (void)payload, (void)arg;
}

#define RUN_UNTIL(condition)                                                                                 \
    while (!(condition))                                                                                     \
    uv_run(&loop, UV_RUN_ONCE)

static void collector_init(struct collector *collector)
{
    static const char *const channels[] = {NULL};
    static const struct pg_handlers handlers = {on_ready, on_lost, on_notify};
    const struct pg_settings settings = {.conninfo = cluster_conninfo(cluster), .channels = channels};
    *collector = (struct collector){0};
    collector->pg = pg_new(&loop, &settings, &handlers, collector);
    collector->ingest = ingest_new(&loop, collector->pg);
    RUN_UNTIL(collector->ready);
}

static int scene_init(void **arg)
{
    (void)arg;
    assert_int_equal(uv_loop_init(&loop), 0);
    collector_init(&here);
    collector_init(&there);
    return 0;
}

static int scene_done(void **arg)
{
    (void)arg;
    struct collector *collectors[] = {&here, &there};
    for (size_t i = 0; i < 2; i++) {
        ingest_stop(collectors[i]->ingest, stopped, NULL);
        pg_close(collectors[i]->pg, stopped, NULL);
    }
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ingest_free(here.ingest);
    ingest_free(there.ingest);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static void open_found(struct pg *pg, PGresult *result, void *arg)
{
    struct collector *collector = arg;
    (void)pg;
    assert_int_equal(PQntuples(result), 1);
    collector->committed = strtoull(PQgetvalue(result, 0, 2), NULL, 10);
    collector->session = strtoll(PQgetvalue(result, 0, 3), NULL, 10);
}

static void open_start(struct pg *pg, void *arg)
{
    (void)arg;
    const char *values[] = {"one", certificate, NULL, NULL, NULL, NULL, "test", "test", NULL};
    pg_exec(pg, STATEMENT_session_open, values, 9, open_found);
}

static void turn_end(bool committed, const char *why, void *arg)
{
    if (!committed)
        fail_msg("%s", why);
    ((struct collector *)arg)->turn_over = true;
}

static void submit(struct collector *collector, void (*start)(struct pg *pg, void *arg))
{
    struct pg_turn turn = {.start = start, .end = turn_end, .arg = collector};
    collector->turn_over = false;
    assert_true(pg_submit(collector->pg, &turn));
}

/* Hello and Welcome. */
static struct session_seen open_session(struct collector *collector)
{
    submit(collector, open_start);
    RUN_UNTIL(collector->turn_over);
    return (struct session_seen){.source = {.vantage_id = 1,
                                            .session = collector->session,
                                            .stored = stored,
                                            .wanted = wanted,
                                            .refused = refused,
                                            .replaced = replaced,
                                            .released = released,
                                            .lied = lied},
                                 .collector = collector};
}

static void send_batch(struct session_seen *session, uint64_t first, uint64_t last)
{
    struct record records[16];
    size_t count = 0;
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        struct attempt *attempt = attempt_new();
        attempt->sequence = sequence;
        attempt->endpoint_id = (uint64_t)known_endpoint;
        attempt->round_id = 1;
        attempt->clock.start_us = clock_wall_us();
        records[count++] = (struct record){.kind = RECORD_ATTEMPT, .attempt = attempt};
    }
    assert_true(ingest_batch(session->collector->ingest, &session->source, records, count));
}

static void settle(struct session_seen *session)
{
    RUN_UNTIL(session->source.refs == 0 && ingest_idle(session->collector->ingest));
}

static void expect_once(const char *sequences)
{
    expect("SELECT coalesce(string_agg(sequence::text, ',' ORDER BY sequence), '') FROM attempt", sequences);
}

/* The ack of 1-3 is lost with the session; the same records come through the other collector. */
static void a_batch_through_another_collector_adds_nothing(void **arg)
{
    (void)arg;
    struct session_seen older = open_session(&here);
    send_batch(&older, 1, 3);
    settle(&older);
    assert_int_equal(older.acked, 3);
    struct session_seen newer = open_session(&there);
    assert_int_equal(there.committed, 3);
    send_batch(&newer, 1, 4);
    settle(&newer);
    assert_int_equal(newer.acked, 4);
    expect_once("1,2,3,4");
}

static void the_older_session_is_told_and_stores_nothing(void **arg)
{
    (void)arg;
    struct session_seen older = open_session(&here);
    struct session_seen newer = open_session(&there);
    assert_true(newer.source.session > older.source.session);
    send_batch(&older, 5, 7);
    send_batch(&older, 8, 9); /* waits behind it, and goes with it */
    settle(&older);
    assert_int_equal(older.replaced, 1);
    assert_int_equal(older.acks, 0);
    expect_once("1,2,3,4");
    send_batch(&newer, 5, 6);
    settle(&newer);
    assert_int_equal(newer.acked, 6);
    assert_int_equal(newer.replaced, 0);
    expect_once("1,2,3,4,5,6");
}

/* The other order: the newer stores more first. A late batch of the older must neither add rows nor move the cursor over some. */
static void a_late_batch_of_the_older_session_moves_nothing(void **arg)
{
    (void)arg;
    struct session_seen older = open_session(&there);
    struct session_seen newer = open_session(&here);
    send_batch(&newer, 7, 8);
    settle(&newer);
    send_batch(&older, 9, 12);
    settle(&older);
    assert_int_equal(older.replaced, 1);
    expect("SELECT committed FROM vantage_cursor WHERE vantage_id = 1", "8");
    send_batch(&newer, 9, 10);
    settle(&newer);
    assert_int_equal(newer.acked, 10);
    expect_once("1,2,3,4,5,6,7,8,9,10");
}

/* In one group: of two sessions at one collector only the newer counts, and a vantage beside them is not held up. */
static void sessions_of_one_collector_are_fenced_too(void **arg)
{
    (void)arg;
    struct session_seen older = open_session(&here);
    struct session_seen newer = open_session(&here);
    struct session_seen other = newer;
    other.source.vantage_id = 2;
    other.source.session = 0; /* as its cursor has it */
    send_batch(&older, 11, 13);
    send_batch(&other, 1, 1);
    send_batch(&newer, 11, 12);
    settle(&newer);
    assert_int_equal(older.replaced, 1);
    assert_int_equal(newer.acked, 12);
    assert_int_equal(other.acked, 1);
    expect("SELECT string_agg(committed::text, ',' ORDER BY vantage_id) FROM vantage_cursor", "12,1");
}

/* A transaction that holds the cursor, as a group does while it is stored. */
static PGconn *holder;

static void hold_cursor(void)
{
    holder = PQconnectdb(cluster_conninfo(cluster));
    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "SELECT committed FROM vantage_cursor WHERE vantage_id = 1 FOR UPDATE"));
}

static void until_somebody_waits(void)
{
    for (bool waits = false; !waits;) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        assert_false(there.turn_over);
        char *count = ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
        waits = strcmp(count, "1") == 0;
        free(count);
    }
}

static void a_session_waits_for_the_group_under_way(void **arg)
{
    (void)arg;
    hold_cursor();
    submit(&there, open_start);
    until_somebody_waits();
    PQclear(PQexec(holder, "UPDATE vantage_cursor SET committed = 20 WHERE vantage_id = 1"));
    PQclear(PQexec(holder, "COMMIT"));
    PQfinish(holder);
    RUN_UNTIL(there.turn_over);
    assert_int_equal(there.committed, 20); /* not what it was when Hello came */
}

/* And a group for the session that is being opened: it is the older one's, once it goes on. */
static void a_group_waits_for_the_session_that_opens(void **arg)
{
    (void)arg;
    struct session_seen older = open_session(&here);
    there.turn_over = false;
    hold_cursor();
    PQclear(
        PQexec(holder, "UPDATE vantage_cursor SET session = nextval('session_number') WHERE vantage_id = 1"));
    send_batch(&older, 21, 22);
    until_somebody_waits();
    PQclear(PQexec(holder, "COMMIT"));
    PQfinish(holder);
    settle(&older);
    assert_int_equal(older.replaced, 1);
    expect("SELECT committed FROM vantage_cursor WHERE vantage_id = 1", "20");
    expect("SELECT count(*) FROM attempt WHERE vantage_id = 1 AND sequence > 20", "0");
}

/* --- whose vantage it is --- */

static int64_t collector_of(const char *name)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "INSERT INTO collector (name) VALUES ('%s') RETURNING id", name);
    char *id = ask(sql);
    int64_t number = strtoll(id, NULL, 10);
    free(id);
    return number;
}

static int64_t collector_ids[2];
static int64_t closing_session;
static size_t closing_collector;

static void open_at_start(struct pg *pg, void *arg)
{
    char id[24];
    (void)snprintf(id, sizeof id, "%lld", (long long)collector_ids[arg == &there]);
    const char *values[] = {"one", certificate, NULL, NULL, NULL, NULL, "test", "test", id};
    pg_exec(pg, STATEMENT_session_open, values, 9, open_found);
}

static void close_start(struct pg *pg, void *arg)
{
    char number[24], id[24];
    (void)arg;
    (void)snprintf(number, sizeof number, "%lld", (long long)closing_session);
    (void)snprintf(id, sizeof id, "%lld", (long long)collector_ids[closing_collector]);
    const char *values[] = {"1", number, id};
    pg_exec(pg, STATEMENT_session_closed, values, 3, NULL);
}

static void reset_start(struct pg *pg, void *arg)
{
    char id[24];
    (void)snprintf(id, sizeof id, "%lld", (long long)collector_ids[arg == &there]);
    const char *values[] = {id};
    pg_exec(pg, STATEMENT_session_reset, values, 1, NULL);
}

static void turn(struct collector *collector, void (*start)(struct pg *pg, void *arg))
{
    submit(collector, start);
    RUN_UNTIL(collector->turn_over);
}

static void expect_at(const char *name)
{
    expect("SELECT coalesce(max(c.name), 'nowhere') FROM vantage v JOIN collector c ON c.id = v.collector_id "
           "WHERE v.id = 1 AND v.connected_since IS NOT NULL",
           name);
}

static void a_late_close_does_not_send_it_away(void **arg)
{
    (void)arg;
    collector_ids[0] = collector_of("here");
    collector_ids[1] = collector_of("there");
    turn(&here, open_at_start);
    closing_session = here.session;
    closing_collector = 0;
    turn(&there, open_at_start);
    expect_at("there");
    turn(&here, close_start); /* of the older session */
    expect_at("there");
    turn(&here, reset_start); /* and its collector stops */
    expect_at("there");
    closing_session = there.session;
    closing_collector = 1;
    turn(&there, close_start);
    expect_at("nowhere");
}

static bool prepare(void)
{
    char *why = NULL;
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    connect_quiet(connection);
    bool ready = migrate(connection, &why);
    PQclear(PQexec(connection,
                   "INSERT INTO vantage (name, region, certificate_sha256) VALUES ('one', 'cn', '\\x01'), "
                   "('two', 'hk', '\\x02'); INSERT INTO vantage_cursor (vantage_id) SELECT id FROM vantage"));
    PQfinish(connection);
    if (!ready)
        return false;
    char *id = ask("INSERT INTO endpoint (host, port) VALUES ('www.shop.example', 443) RETURNING id");
    known_endpoint = strtoll(id, NULL, 10);
    free(id);
    free(ask("INSERT INTO round (interval_s, start_at, spread_us, timeout_us, deadline_at, endpoints) VALUES "
             "(60, now(), 0, 0, now(), 1) RETURNING id"));
    free(ask("INSERT INTO round_endpoint SELECT 1, id FROM endpoint RETURNING round_id"));
    return true;
}

int main(void)
{
    private_drop_root();
    private_state(state);
    char *why = NULL;
    cluster = cluster_open(state, NULL, &why);
    if (cluster == NULL || !prepare())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_batch_through_another_collector_adds_nothing, scene_init,
                                        scene_done),
        cmocka_unit_test_setup_teardown(the_older_session_is_told_and_stores_nothing, scene_init, scene_done),
        cmocka_unit_test_setup_teardown(a_late_batch_of_the_older_session_moves_nothing, scene_init,
                                        scene_done),
        cmocka_unit_test_setup_teardown(sessions_of_one_collector_are_fenced_too, scene_init, scene_done),
        cmocka_unit_test_setup_teardown(a_session_waits_for_the_group_under_way, scene_init, scene_done),
        cmocka_unit_test_setup_teardown(a_group_waits_for_the_session_that_opens, scene_init, scene_done),
        cmocka_unit_test_setup_teardown(a_late_close_does_not_send_it_away, scene_init, scene_done),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cluster_close(cluster);
    (void)folder_remove(state);
    return failed;
}
