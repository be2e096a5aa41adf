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

#include <string.h>

static char state[32];
static struct cluster *cluster;
static uv_loop_t loop;
static struct pg *pg;
static struct ingest *ingest;
static int64_t known_endpoint, start_us;
static unsigned expected_acks;
static bool cut_first; /* lose the connection inside the first transaction */

/* A session as ingest sees it, and what it was told. */
struct vantage {
    struct ingest_source source; /* first */
    uint64_t acked;
    unsigned acks;
    size_t wanted;
    struct refused_note lied;
    unsigned refused;
    unsigned replaced;
    bool released;
};

static void stopped(void *arg)
{
    (void)arg;
}

static void finish(void)
{
    ingest_stop(ingest, stopped, NULL);
    pg_close(pg, stopped, NULL);
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

/* The promise: what is acknowledged is committed, as another connection sees it. */
static void stored(struct ingest_source *source, uint64_t committed)
{
    struct vantage *vantage = (struct vantage *)source;
    char *cursor = ask("SELECT max(committed) FROM vantage_cursor");
    assert_true(strtoull(cursor, NULL, 10) >= committed);
    free(cursor);
    vantage->acked = committed;
    if (++vantage->acks == expected_acks)
        finish();
}

static void wanted(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count)
{
    (void)sha256;
    ((struct vantage *)source)->wanted += count;
}

static void refused(struct ingest_source *source, const char *why)
{
    ((struct vantage *)source)->refused++;
    assert_non_null(strstr(why, "poison"));
    source->gone = true;
    ingest_forget(ingest, source);
}

static void replaced(struct ingest_source *source)
{
    ((struct vantage *)source)->replaced++;
    source->gone = true;
    ingest_forget(ingest, source);
}

static void released(struct ingest_source *source)
{
    ((struct vantage *)source)->released = true;
}

static void lied(struct ingest_source *source, const struct refused_note *note)
{
    struct vantage *vantage = (struct vantage *)source;
    assert_true(vantage->acks > 0); /* the true ones were acknowledged first */
    vantage->lied = *note;
}

static struct vantage vantage_make(int32_t id)
{
    return (struct vantage){.source = {.vantage_id = id,
                                       .stored = stored,
                                       .wanted = wanted,
                                       .refused = refused,
                                       .replaced = replaced,
                                       .released = released,
                                       .lied = lied}};
}

static struct record attempt_record(uint64_t sequence, int64_t endpoint_id)
{
    struct attempt *attempt = attempt_new();
    attempt->sequence = sequence;
    attempt->endpoint_id = (uint64_t)endpoint_id;
    attempt->round_id = 1;
    attempt->clock.start_us = start_us;
    attempt->tls.chain = arena_array(&attempt->arena, 2, sizeof *attempt->tls.chain);
    attempt->tls.chain_count = 2;
    memset(attempt->tls.chain[0].sha256, 1, 32);
    memset(attempt->tls.chain[1].sha256, 2, 32);
    return (struct record){.kind = RECORD_ATTEMPT, .attempt = attempt};
}

static void send_batch(struct vantage *vantage, uint64_t first, uint64_t last)
{
    struct record records[16];
    size_t count = 0;
    for (uint64_t sequence = first; sequence <= last; sequence++)
        records[count++] = attempt_record(sequence, known_endpoint);
    assert_true(ingest_batch(ingest, &vantage->source, records, count));
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

static void cut_start(struct pg *from, void *arg)
{
    (void)from, (void)arg;
    free(
        ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
            "application_name = 'parallax-collector'"));
}

static void cut_end(bool committed, const char *why, void *arg)
{
    (void)committed, (void)why, (void)arg;
}

static void open_all(void)
{
    static const char *const channels[] = {NULL};
    static const struct pg_handlers handlers = {on_ready, on_lost, on_notify};
    assert_int_equal(uv_loop_init(&loop), 0);
    const struct pg_settings settings = {.conninfo = cluster_conninfo(cluster), .channels = channels};
    pg = pg_new(&loop, &settings, &handlers, NULL);
    ingest = ingest_new(&loop, pg);
    struct pg_turn cut = {.start = cut_start, .end = cut_end};
    if (cut_first)
        assert_true(pg_submit(pg, &cut));
}

static void run_all(void)
{
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ingest_free(ingest);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void what_comes_twice_is_stored_once(void **arg)
{
    (void)arg;
    struct vantage one = vantage_make(1), two = vantage_make(2);
    open_all();
    send_batch(&one, 10, 13);
    send_batch(&one, 12, 15); /* as after a lost ack, in the same group */
    send_batch(&two, 10, 12);
    send_batch(&one, 10, 15);
    expected_acks = 3;
    run_all();
    assert_int_equal(one.acked, 15);
    assert_int_equal(two.acked, 12);
    assert_true(one.source.refs == 0 && two.source.refs == 0);
    expect("SELECT count(*) || ' ' || count(DISTINCT (vantage_id, sequence)) FROM attempt", "9 9");
    expect("SELECT count(*) FROM attempt WHERE date_bin('10 minutes', start_at, timestamptz 'epoch') NOT IN "
           "(SELECT bucket_at FROM rollup_due)",
           "0");
    expect("SELECT string_agg(committed::text, ',' ORDER BY vantage_id) FROM vantage_cursor", "15,12");
    expect("SELECT count(*) || ' ' || max(array_length(sha256, 1)) FROM chain", "1 2");
    expect("SELECT count(*) FROM attempt JOIN chain ON chain.id = chain_id", "9");
    assert_int_equal(one.wanted + two.wanted, 2); /* each certificate is asked of one vantage */
}

static void a_lost_connection_doubles_nothing(void **arg)
{
    (void)arg;
    struct vantage one = vantage_make(1);
    cut_first = true;
    open_all();
    cut_first = false;
    send_batch(&one, 16, 18);
    send_batch(&one, 19, 20);
    expected_acks = 2;
    run_all();
    assert_int_equal(one.acked, 20);
    expect("SELECT count(*) || ' ' || max(sequence) FROM attempt WHERE vantage_id = 1", "11 20");
}

/* Each try judges anew, and counts once. */
static void lies_are_counted_and_the_cursor_passes(void **arg)
{
    (void)arg;
    struct vantage one = vantage_make(1);
    struct record records[6] = {
        attempt_record(21, known_endpoint),     attempt_record(22, known_endpoint + 1000),
        attempt_record(23, known_endpoint),     attempt_record(24, INT64_MAX),
        attempt_record(25, known_endpoint + 1), attempt_record(26, known_endpoint)};
    records[2].attempt->clock.start_us = INT64_MAX - 5;
    records[3].attempt->endpoint_id = UINT64_MAX;
    records[5].attempt->round_id = 77;
    cut_first = true;
    open_all();
    cut_first = false;
    assert_true(ingest_batch(ingest, &one.source, records, 6));
    expected_acks = 1;
    run_all();
    assert_int_equal(one.acked, 26);
    assert_int_equal(one.lied.count, 5);
    assert_int_equal(one.lied.sequence, 22);
    assert_int_equal(one.lied.refusal, REFUSAL_ENDPOINT);
    expect("SELECT string_agg(sequence::text, ',') FROM attempt WHERE sequence > 20", "21");
    expect("SELECT string_agg(reason || ' ' || count, ',' ORDER BY reason) FROM refused_record",
           "endpoint 3,future 1,unknown-round 1");
    struct record again[2] = {attempt_record(26, known_endpoint + 1000),
                              attempt_record(27, known_endpoint + 1000)};
    one = vantage_make(1);
    open_all();
    assert_true(ingest_batch(ingest, &one.source, again, 2)); /* 26 is known */
    run_all();
    assert_int_equal(one.lied.count, 1);
    expect("SELECT count FROM refused_record WHERE reason = 'endpoint'", "4");
}

static void reports_count_for_rounds_that_exist(void **arg)
{
    (void)arg;
    struct vantage two = vantage_make(2);
    struct record records[3] = {
        {.kind = RECORD_ROUND_REPORT}, {.kind = RECORD_ROUND_REPORT}, {.kind = RECORD_ROUND_REPORT}};
    records[0].report = (struct round_report){.sequence = 30, .round_id = 1, .attempts = 1};
    records[1].report =
        (struct round_report){.sequence = 31, .round_id = 1, .attempts = 5, .dropped = UINT32_MAX};
    records[2].report = (struct round_report){.sequence = 32, .round_id = UINT64_MAX, .attempts = 1};
    open_all();
    assert_true(ingest_batch(ingest, &two.source, records, 3));
    expected_acks = 1;
    run_all();
    assert_int_equal(two.acked, 32);
    assert_int_equal(two.lied.count, 0);
    expect("SELECT concat_ws(' ', count(*), max(round_id), max(attempts), max(dropped)) FROM round_vantage",
           "1 1 5 2147483647");
}

static void send_report(struct vantage *vantage, struct round_report report, const struct dropped_at *at,
                        size_t count)
{
    struct record record = {.kind = RECORD_ROUND_REPORT, .report = report};
    record.report.dropped_at = calloc(count + 1, sizeof *at);
    record.report.dropped_at_count = count;
    if (count > 0)
        memcpy(record.report.dropped_at, at, count * sizeof *at);
    assert_true(ingest_batch(ingest, &vantage->source, &record, 1));
}

/* Over reports on one round too, and by endpoint; what comes again counts once. */
static void what_was_dropped_adds_up(void **arg)
{
    (void)arg;
    struct vantage two = vantage_make(2);
    uint64_t known = (uint64_t)known_endpoint;
    const struct dropped_at first[] = {{known, 3}, {0, 1}}, second[] = {{known, 2}, {known + 1000, 4}};
    free(ask("INSERT INTO round (id, interval_s, start_at, spread_us, timeout_us, deadline_at, endpoints) "
             "OVERRIDING SYSTEM "
             "VALUE VALUES (700, 60, now(), 0, 0, now(), 1) RETURNING id"));
    open_all();
    send_report(&two, (struct round_report){.sequence = 33, .round_id = 700, .dropped = 4}, first, 2);
    send_report(&two, (struct round_report){.sequence = 34, .round_id = 700, .attempts = 9, .dropped = 7},
                second, 2);
    send_report(&two, (struct round_report){.sequence = 34, .round_id = 700, .attempts = 9, .dropped = 7},
                second, 2);
    send_report(&two, (struct round_report){.sequence = 35, .round_id = 12345, .dropped = 5}, NULL, 0);
    expected_acks = 4;
    run_all();
    assert_int_equal(two.acked, 35);
    expect("SELECT concat_ws(' ', attempts, dropped) FROM round_vantage WHERE round_id = 700", "9 11");
    expect("SELECT string_agg(concat_ws(':', CASE endpoint_id WHEN 0 THEN 'rest' ELSE 'one' END, round_id, "
           "count), ' ' ORDER BY "
           "round_id, endpoint_id) FROM dropped WHERE vantage_id = 2 AND round_id <> 1",
           "rest:0:5 rest:700:6 one:700:5");
    two.acks = 0;
    open_all();
    send_report(&two, (struct round_report){.sequence = 36, .round_id = 700, .dropped = 1}, first + 1, 1);
    expected_acks = 1;
    run_all();
    expect("SELECT concat_ws(' ', attempts, dropped) FROM round_vantage WHERE round_id = 700", "0 12");
    expect("SELECT sum(count) FROM dropped WHERE vantage_id = 2 AND round_id = 700", "12");
}

static unsigned ceiling_changes;

static void on_ceiling(void *arg)
{
    (void)arg;
    ceiling_changes++;
    assert_true(ingest_ceiling(ingest)->full == (ceiling_changes == 1));
}

/* What waits is counted, pushes back at the ceiling, and is none when all is stored. */
static void what_waits_has_a_ceiling(void **arg)
{
    (void)arg;
    struct vantage one = vantage_make(1);
    open_all();
    struct ceiling *ceiling = ingest_ceiling(ingest);
    *ceiling = (struct ceiling){.most_bytes = 8 * 1024, .changed = on_ceiling};
    send_batch(&one, 28, 28);
    size_t each = ceiling->held_bytes;
    assert_in_range(each, 512, 4 * 1024); /* a row, and what is asked about it */
    ceiling->most_bytes = 2 * each;
    send_batch(&one, 29, 32);
    assert_true(ceiling->full && ceiling->held_bytes > 2 * each);
    expected_acks = 2;
    run_all();
    assert_int_equal(ceiling_changes, 2);
    assert_int_equal(one.acked, 32);
}

static void the_gone_are_forgotten(void **arg)
{
    (void)arg;
    struct vantage one = vantage_make(1), two = vantage_make(2);
    open_all();
    send_batch(&one, 40, 41);
    send_batch(&two, 40, 41);
    one.source.gone = true;
    ingest_forget(ingest, &one.source); /* before anything began */
    assert_true(one.released);
    expected_acks = 1;
    run_all();
    expect("SELECT string_agg(committed::text, ',' ORDER BY vantage_id) FROM vantage_cursor", "32,41");
}

static void one_bad_batch_holds_nobody_up(void **arg)
{
    (void)arg;
    struct vantage one = vantage_make(1), two = vantage_make(2);
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    PQclear(PQexec(connection, "ALTER TABLE attempt ADD CONSTRAINT poison CHECK (sequence <> 66)"));
    PQfinish(connection);
    open_all();
    send_batch(&one, 65, 66);
    send_batch(&one, 67, 68); /* must not overtake what was refused */
    send_batch(&two, 60, 61);
    expected_acks = 1;
    run_all();
    assert_int_equal(one.refused, 1);
    assert_int_equal(one.acks, 0);
    assert_true(one.released);
    assert_int_equal(two.acked, 61);
    expect("SELECT string_agg(committed::text, ',' ORDER BY vantage_id) FROM vantage_cursor", "32,61");
}

/* Two sessions of one vantage in a group that fails; the older one goes before the group is tried again. */
static struct vantage older;

static void refuse_older(struct ingest_source *source, const char *why)
{
    (void)why;
    source->gone = true;
    ingest_forget(ingest, source);
}

static void what_only_a_lost_batch_held_is_not_taken_for_stored(void **arg)
{
    (void)arg;
    struct vantage newer = vantage_make(2);
    older = vantage_make(2);
    older.source.refused = refuse_older;
    open_all();
    send_batch(&older, 65, 66); /* 66 is refused: the whole group, then this batch alone */
    struct record records[2] = {attempt_record(65, known_endpoint), attempt_record(67, known_endpoint)};
    assert_true(ingest_batch(ingest, &newer.source, records, 2));
    expected_acks = 1;
    run_all();
    assert_int_equal(newer.acked, 67);
    expect("SELECT string_agg(sequence::text, ',' ORDER BY sequence) FROM attempt WHERE vantage_id = 2 AND "
           "sequence > 61",
           "65,67");
}

/* A file: its batches go into one transaction. */
static unsigned batches_left;
static bool file_is_bad;
static uint64_t file_known[4];
static uint64_t file_next;

static enum ingest_more more(struct ingest_source *source, uint64_t known)
{
    file_known[3 - batches_left] = known;
    if (batches_left == 0)
        return INGEST_END;
    if (--batches_left == 0 && file_is_bad)
        return INGEST_FAILED;
    char *cursor = ask("SELECT committed FROM vantage_cursor WHERE vantage_id = 2"); /* as others see it */
    assert_string_equal(cursor, "67");
    free(cursor);
    send_batch((struct vantage *)source, file_next, file_next + 1);
    file_next += 2;
    return INGEST_NEXT;
}

static void refuse_file(struct ingest_source *source, const char *why)
{
    (void)why;
    ((struct vantage *)source)->refused++;
    source->gone = true;
    ingest_forget(ingest, source);
    finish();
}

static struct vantage send_file(bool bad)
{
    struct vantage file = vantage_make(2);
    file.source.more = more;
    file.source.refused = refuse_file;
    batches_left = 3;
    file_is_bad = bad;
    file_next = 72;
    open_all();
    send_batch(&file, 70, 71);
    expected_acks = 1;
    run_all();
    return file;
}

static void a_file_goes_in_whole_or_not_at_all(void **arg)
{
    (void)arg;
    struct vantage bad = send_file(true);
    assert_int_equal(bad.refused, 1);
    assert_int_equal(bad.acks, 0);
    expect("SELECT count(*) || ' ' || (SELECT committed FROM vantage_cursor WHERE vantage_id = 2) FROM "
           "attempt WHERE vantage_id "
           "= 2 AND sequence >= 70",
           "0 67");
    struct vantage good = send_file(false);
    assert_int_equal(good.refused, 0);
    assert_int_equal(good.acked, 77);
    assert_int_equal(good.source.waiting, 0);
    assert_int_equal(good.source.refs, 0);
    assert_true(file_known[0] == 67 && file_known[1] == 71 && file_known[2] == 73 && file_known[3] == 75);
    expect("SELECT string_agg(sequence::text, ',' ORDER BY sequence) FROM attempt WHERE vantage_id = 2 AND "
           "sequence >= 70",
           "70,71,72,73,74,75,76,77");
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
    start_us = clock_wall_us();
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
        cmocka_unit_test(what_comes_twice_is_stored_once),
        cmocka_unit_test(a_lost_connection_doubles_nothing),
        cmocka_unit_test(lies_are_counted_and_the_cursor_passes),
        cmocka_unit_test(reports_count_for_rounds_that_exist),
        cmocka_unit_test(what_was_dropped_adds_up),
        cmocka_unit_test(what_waits_has_a_ceiling),
        cmocka_unit_test(the_gone_are_forgotten),
        cmocka_unit_test(one_bad_batch_holds_nobody_up),
        cmocka_unit_test(what_only_a_lost_batch_held_is_not_taken_for_stored),
        cmocka_unit_test(a_file_goes_in_whole_or_not_at_all),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cluster_close(cluster);
    (void)folder_remove(state);
    return failed;
}
