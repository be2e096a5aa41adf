#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/store/private.h"
#include "ingest/ingest.h"
#include "inject.h"
#include "store/cluster.h"
#include "store/connect.h"
#include "store/migrate.h"

#include <string.h>

/* Each call of the way from a session to the database fails once: the connection, the group, its COPY, its COMMIT. The vantage behaves
 * as agents do: told that it is not taken, it comes again from what was acknowledged. At the end everything is there once. */

enum { RECORDS = 6, EACH = 3 };

static char state[32];
static struct cluster *cluster;
static PGconn *observer;
static uv_loop_t loop;
static struct pg *pg;
static struct ingest *ingest;
static int64_t known_endpoint;
static uint64_t base; /* sequences of a run follow it */

/* A session, and the vantage behind it. */
struct vantage {
    struct ingest_source source; /* first */
    uint64_t acked;              /* counted from base */
    uint64_t sent;
    bool refused;
    bool done;
};

static const char *ask(const char *sql)
{
    static char value[64];
    inject_pause();
    PGresult *result = PQexec(observer, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    (void)snprintf(value, sizeof value, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    inject_resume();
    return value;
}

static void ignore(void *arg)
{
    (void)arg;
}

static void stored(struct ingest_source *source, uint64_t committed)
{
    struct vantage *vantage = (struct vantage *)source;
    if (committed > base + vantage->acked)
        vantage->acked = committed - base;
}

static void wanted(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count)
{
    (void)source, (void)sha256, (void)count;
}

static void refused(struct ingest_source *source, const char *why)
{
    (void)why;
    source->gone = true;
    ((struct vantage *)source)->refused = true;
    ingest_forget(ingest, source);
}

static void replaced(struct ingest_source *source)
{
    (void)source;
    fail_msg("after a failure of %s: told that another session is in force", inject_what);
}

static void released(struct ingest_source *source)
{
    (void)source;
}

static void lied(struct ingest_source *source, const struct refused_note *note)
{
    (void)source;
    fail_msg("%zu records were refused", note->count);
}

/* Making one is not what is tested. */
static struct record attempt_record(uint64_t sequence)
{
    int64_t now_us = strtoll(ask("SELECT (extract(epoch FROM now()) * 1000000)::bigint"), NULL, 10);
    inject_pause();
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->sequence = sequence;
    attempt->endpoint_id = (uint64_t)known_endpoint;
    attempt->round_id = 1;
    attempt->clock.start_us = now_us;
    attempt->tls.chain = arena_array(&attempt->arena, 1, sizeof *attempt->tls.chain);
    assert_non_null(attempt->tls.chain);
    attempt->tls.chain_count = 1;
    memset(attempt->tls.chain[0].sha256, (int)(sequence & 255), 32);
    inject_resume();
    return (struct record){.kind = RECORD_ATTEMPT, .attempt = attempt};
}

static void send_next(struct vantage *vantage)
{
    struct record records[EACH];
    for (uint64_t i = 0; i < EACH; i++)
        records[i] = attempt_record(base + vantage->sent + 1 + i);
    if (ingest_batch(ingest, &vantage->source, records, EACH))
        vantage->sent += EACH;
    else
        for (size_t i = 0; i < EACH; i++)
            record_done(&records[i]);
}

static void on_ready(void *arg)
{
    (void)arg;
}

static void on_lost(const char *why, void *arg)
{
    (void)why, (void)arg;
}

static void on_notify(const char *channel, const char *payload, void *arg)
{
    (void)channel, (void)payload, (void)arg;
}

/* One turn of the vantage: as its session and its spool would have it. */
static void step(uv_timer_t *timer)
{
    struct vantage *vantage = timer->data;
    if (vantage->refused && vantage->source.refs > 0)
        return;
    if (vantage->refused) {
        vantage->refused = false;
        vantage->source.gone = false;
        vantage->acked = strtoull(ask("SELECT committed FROM vantage_cursor"), NULL, 10) - base;
        vantage->sent = vantage->acked;
    }
    if (vantage->sent < RECORDS)
        send_next(vantage);
    if (vantage->acked < RECORDS || vantage->source.refs > 0 || vantage->done)
        return;
    vantage->done = true;
    ingest_stop(ingest, ignore, NULL);
    pg_close(pg, ignore, NULL);
    uv_close((uv_handle_t *)timer, NULL);
}

static void run_once(unsigned long n, struct vantage *vantage)
{
    static const char *const channels[] = {NULL};
    static const struct pg_handlers handlers = {on_ready, on_lost, on_notify};
    const struct pg_settings settings = {.conninfo = cluster_conninfo(cluster), .channels = channels};
    uv_timer_t timer;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_timer_init(&loop, &timer), 0);
    timer.data = vantage;
    inject_arm(n);
    do
        pg = pg_new(&loop, &settings, &handlers, NULL);
    while (pg == NULL);
    do
        ingest = ingest_new(&loop, pg);
    while (ingest == NULL);
    assert_int_equal(uv_timer_start(&timer, step, 0, 100), 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ingest_free(ingest);
}

static void each_call_fails_once(void **arg)
{
    (void)arg;
    unsigned long n = 0, runs = 0;
    bool failed = true;
    while (failed) {
        char sql[160], expected[32];
        struct vantage vantage = {.source = {.vantage_id = 1,
                                             .stored = stored,
                                             .wanted = wanted,
                                             .refused = refused,
                                             .replaced = replaced,
                                             .released = released,
                                             .lied = lied}};
        base = ++runs * 1000;
        run_once(++n, &vantage);
        failed = inject_disarm();
        /* Connecting prepares every statement in the same way. */
        if (failed && inject_elsewhere() && n > 12 && strcmp(inject_what, "vasprintf") == 0)
            n += 60;
        assert_int_equal(uv_loop_close(&loop), 0);
        (void)snprintf(sql, sizeof sql,
                       "SELECT count(*) || ' ' || count(DISTINCT sequence) || ' ' || max(sequence) FROM "
                       "attempt WHERE sequence > %llu",
                       (unsigned long long)base);
        (void)snprintf(expected, sizeof expected, "%d %d %llu", RECORDS, RECORDS,
                       (unsigned long long)base + RECORDS);
        if (strcmp(ask(sql), expected) != 0)
            fail_msg("after a failure of %s (%lu): %s, expected %s", inject_what, n, ask(sql), expected);
    }
    assert_in_range(n, 50, 10000);
    print_message("ingest: %lu runs, each with another call that fails, of %lu calls\n", runs - 1, n - 1);
}

static bool prepare(void)
{
    char *why = NULL;
    observer = PQconnectdb(cluster_conninfo(cluster));
    connect_quiet(observer);
    if (!migrate(observer, &why))
        return false;
    PQclear(PQexec(
        observer,
        "INSERT INTO vantage (name, region, certificate_sha256) VALUES ('one', 'cn', '\\x01'); INSERT INTO "
        "vantage_cursor (vantage_id) SELECT id FROM vantage; INSERT INTO round (interval_s, start_at, "
        "spread_us, "
        "timeout_us, deadline_at, endpoints) VALUES (60, now(), 60000000, 60000000, now() + interval '1 "
        "hour', 1)"));
    known_endpoint = strtoll(
        ask("INSERT INTO endpoint (host, port) VALUES ('www.shop.example', 443) RETURNING id"), NULL, 10);
    PQclear(PQexec(observer, "INSERT INTO round_endpoint SELECT round.id, endpoint.id FROM round, endpoint"));
    return true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_fails_once)};
    char *why = NULL;
    private_drop_root();
    private_state(state);
    cluster = cluster_open(state, NULL, &why);
    if (cluster == NULL || !prepare())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    PQfinish(observer);
    cluster_close(cluster);
    (void)folder_remove(state);
    return failed;
}
