#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/store/private.h"
#include "ingest/ingest.h"
#include "inject.h"
#include "link/clock.h"
#include "store/cluster.h"
#include "store/connect.h"
#include "store/migrate.h"

#include <string.h>

/*
 * Each call of the way from a session to the database fails once: the group, its COPY, its COMMIT; then several in a row from each on, as
 * when memory is out for a while. The vantage behaves as agents do: told that it is not taken, it comes again from what was acknowledged.
 * At each ack what it speaks of is in the database, and at the end everything is there once.
 *
 * Connecting, on a thread of its own, prepares every statement in the same way: its first calls fail, and every SKIP-th after them.
 */

enum { ATTEMPTS = 5, RECORDS = 8, EACH = 4, DROPPED = 2, FIRST = 12, SKIP = 7, ROW = 5, HANG_S = 60 };

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
    unsigned lies;
};

static struct vantage vantage;
static uv_timer_t steps;
static unsigned long runs;

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

/* Of the records of this run: attempts, with how many chains, and how many of each sequence at most. */
static void expect_stored(uint64_t records)
{
    char sql[320], expected[64];
    uint64_t attempts = records < ATTEMPTS ? records : ATTEMPTS;
    (void)snprintf(
        sql, sizeof sql,
        "SELECT count(*) || ' ' || count(DISTINCT sequence) || ' ' || count(chain.sha256[1]) FROM "
        "attempt LEFT JOIN chain ON chain.id = chain_id WHERE sequence > %llu AND sequence <= %llu",
        (unsigned long long)base, (unsigned long long)(base + records));
    (void)snprintf(expected, sizeof expected, "%llu %llu %llu", (unsigned long long)attempts,
                   (unsigned long long)attempts, (unsigned long long)attempts);
    if (strcmp(ask(sql), expected) != 0)
        fail_msg("run %lu, after a failure of %s: %s, expected %s", runs, inject_what, ask(sql), expected);
}

static void stored(struct ingest_source *source, uint64_t committed)
{
    (void)source;
    if (committed <= base + vantage.acked)
        return;
    vantage.acked = committed - base;
    expect_stored(vantage.acked);
}

static void wanted(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count)
{
    (void)source, (void)sha256, (void)count;
}

static void refused(struct ingest_source *source, const char *why)
{
    (void)why;
    source->gone = true;
    vantage.refused = true;
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
    assert_int_equal(note->refusal, REFUSAL_UNKNOWN_ROUND);
    vantage.lies += (unsigned)note->count;
}

/* Making one is not what is tested. The last attempt is of a round that is not there. */
static struct record attempt_record(uint64_t nth)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->sequence = base + nth;
    attempt->endpoint_id = (uint64_t)known_endpoint;
    attempt->round_id = nth <= ATTEMPTS ? 1 : 99;
    attempt->clock.start_us = clock_wall_us();
    attempt->tls.chain = arena_array(&attempt->arena, 1, sizeof *attempt->tls.chain);
    assert_non_null(attempt->tls.chain);
    attempt->tls.chain_count = 1;
    for (unsigned i = 0; i < 8; i++)
        attempt->tls.chain[0].sha256[i] = (uint8_t)(attempt->sequence >> (8 * i));
    return (struct record){.kind = RECORD_ATTEMPT, .attempt = attempt};
}

static struct record report_record(uint64_t nth)
{
    struct round_report report = {.sequence = base + nth,
                                  .round_id = 1,
                                  .attempts = ATTEMPTS,
                                  .dropped = DROPPED,
                                  .dropped_at_count = 1};
    report.dropped_at = calloc(1, sizeof *report.dropped_at);
    assert_non_null(report.dropped_at);
    report.dropped_at[0].endpoint_id = (uint64_t)known_endpoint;
    report.dropped_at[0].count = DROPPED;
    return (struct record){.kind = RECORD_ROUND_REPORT, .report = report};
}

/* Attempts, one that lies, and two reports. */
static void send_next(void)
{
    struct record records[EACH];
    inject_pause();
    for (uint64_t i = 0; i < EACH; i++) {
        uint64_t nth = vantage.sent + 1 + i;
        records[i] = nth <= ATTEMPTS + 1 ? attempt_record(nth) : report_record(nth);
    }
    inject_resume();
    if (ingest_batch(ingest, &vantage.source, records, EACH))
        vantage.sent += EACH;
    else
        for (size_t i = 0; i < EACH; i++)
            record_done(&records[i]);
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
    if (vantage.refused && vantage.source.refs > 0)
        return;
    if (vantage.refused) {
        vantage.refused = false;
        vantage.source.gone = false;
        vantage.sent = strtoull(ask("SELECT committed FROM vantage_cursor"), NULL, 10);
        vantage.sent = vantage.acked = vantage.sent > base ? vantage.sent - base : 0;
    }
    if (vantage.sent < RECORDS)
        send_next();
    if (vantage.acked < RECORDS || vantage.source.refs > 0)
        return;
    (void)uv_timer_stop(timer);
    uv_stop(&loop);
}

static void on_ready(void *arg)
{
    if (!uv_is_active((uv_handle_t *)&steps)) /* not again in the middle of a run */
        uv_stop(&loop);
    (void)arg;
}

static void connect_new(void)
{
    static const char *const channels[] = {NULL};
    static const struct pg_handlers handlers = {on_ready, on_lost, on_notify};
    const struct pg_settings settings = {.conninfo = cluster_conninfo(cluster), .channels = channels};
    do
        pg = pg_new(&loop, &settings, &handlers, NULL);
    while (pg == NULL);
    do
        ingest = ingest_new(&loop, pg);
    while (ingest == NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static void disconnect(void)
{
    ingest_stop(ingest, ignore, NULL);
    pg_close(pg, ignore, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ingest_free(ingest);
}

/* Sends all records of a run, until they are acknowledged. */
static void deliver(void)
{
    vantage = (struct vantage){.source = {.vantage_id = 1,
                                          .vantage = "one",
                                          .stored = stored,
                                          .wanted = wanted,
                                          .refused = refused,
                                          .replaced = replaced,
                                          .released = released,
                                          .lied = lied}};
    base = ++runs * 1000;
    assert_int_equal(uv_timer_start(&steps, step, 0, 100), 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static void check(void)
{
    char expected[96];
    expect_stored(RECORDS);
    (void)snprintf(expected, sizeof expected, "%lu %lu", runs, runs * 2 * DROPPED);
    const char *sums =
        ask("SELECT (SELECT sum(count) FROM refused_record) || ' ' || (SELECT sum(count) FROM dropped)");
    if (strcmp(sums, expected) != 0)
        fail_msg("run %lu, after a failure of %s: refused and dropped %s, expected %s", runs, inject_what,
                 sums, expected);
}

static void each_call_of_connecting_fails(void **arg)
{
    (void)arg;
    unsigned long n = 0, count = 0;
    for (bool failed = true; failed; count++) {
        n += n < FIRST ? 1 : SKIP;
        inject_watch(HANG_S);
        inject_arm(n, 1);
        connect_new();
        failed = inject_disarm();
        deliver();
        check();
        disconnect();
    }
    assert_in_range(count, FIRST, 1000);
    print_message("ingest: connecting, %lu of %lu calls failed (the first %d, then every %dth)\n", count - 1,
                  n - 1, FIRST, SKIP);
}

static void fail_in_rows_of(unsigned long length)
{
    unsigned long n = 0;
    connect_new();
    inject_here_only(true);
    for (bool failed = true; failed;) {
        inject_watch(HANG_S);
        inject_arm(++n, length);
        deliver();
        failed = inject_disarm();
        check();
    }
    inject_here_only(false);
    disconnect();
    assert_in_range(n, 100, 10000);
    print_message("ingest: storing, %lu calls, %lu in a row failed from each on\n", n - 1, length);
}

static void each_call_of_storing_fails(void **arg)
{
    (void)arg;
    fail_in_rows_of(1);
}

static void several_calls_of_storing_fail(void **arg)
{
    (void)arg;
    fail_in_rows_of(ROW);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_of_connecting_fails),
                                       cmocka_unit_test(each_call_of_storing_fails),
                                       cmocka_unit_test(several_calls_of_storing_fail)};
    char *why = NULL;
    private_drop_root();
    (void)setenv("PGOPTIONS", "-c synchronous_commit=off", 1); /* no crash of the server is part of this */
    private_state(state);
    cluster = cluster_open(state, NULL, &why);
    if (cluster == NULL || !prepare())
        return 1;
    if (uv_loop_init(&loop) != 0 || uv_timer_init(&loop, &steps) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    uv_close((uv_handle_t *)&steps, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    failed += uv_loop_close(&loop) != 0;
    PQfinish(observer);
    cluster_close(cluster);
    (void)folder_remove(state);
    return failed;
}
