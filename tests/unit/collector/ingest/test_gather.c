#include "cmocka_all.h"

#include "ingest/ingest.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * How batches of many sessions become groups: in which order, how large, what waits meanwhile, and what becomes of a group that was not
 * stored. The database is this test: it is asked, and answers what a test wants it to.
 */

enum { MOST_ROWS = 8192, GROUP_ROWS = 4096, MOST_PARAMS = 6, MOST_PART_BYTES = 128 * 1024 };

#define START_US INT64_C(1790000000000000)

/* --- the database --------------------------------------------------------------------------------------------- */

struct row {
    int32_t vantage;
    uint64_t sequence;
};

struct pg {
    struct pg_turn turn;
    bool queued, running, deaf;
    enum statement_id asked;
    char *params[MOST_PARAMS];
    pg_result_fn *next;
    struct row rows[MOST_ROWS];
    size_t row_count;
    char cursors[256]; /* where they are to move */
    bool whole;        /* all that ends the turn was sent */
    bool was_lost;
    const char *abandoned;
};

static struct pg db;

static void forget_params(struct pg *pg)
{
    for (size_t i = 0; i < MOST_PARAMS; i++) {
        free(pg->params[i]);
        pg->params[i] = NULL;
    }
}

bool pg_submit(struct pg *pg, const struct pg_turn *turn)
{
    assert_false(pg->queued || pg->running);
    pg->turn = *turn;
    pg->queued = !pg->deaf;
    return pg->queued;
}

void pg_exec(struct pg *pg, enum statement_id id, const char *const *values, size_t count,
             pg_result_fn *on_result)
{
    forget_params(pg);
    assert_in_range(count, 0, MOST_PARAMS);
    pg->asked = id;
    pg->next = on_result;
    for (size_t i = 0; i < count; i++)
        assert_non_null(pg->params[i] = strdup(values[i]));
}

void pg_abandon(struct pg *pg, const char *why)
{
    pg->abandoned = why;
}

bool pg_was_lost(const struct pg *pg)
{
    return pg->was_lost;
}

void pg_attend(struct pg *pg)
{
    (void)pg;
}

void pg_copy(struct pg *pg, const char *sql, pg_copy_fn *more, pg_result_fn *on_result)
{
    (void)pg, (void)sql, (void)more, (void)on_result;
    fail_msg("only a file goes on after its COPY");
}

static uint64_t big_endian(const uint8_t *bytes, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* Of each row the vantage and the sequence, its third column and its fourth. */
static void read_rows(struct pg *pg, const struct buf *data)
{
    size_t at = 19;
    while (big_endian(data->data + at, 2) != 0xffff) {
        size_t columns = big_endian(data->data + at, 2);
        struct row row = {0};
        at += 2;
        for (size_t i = 0; i < columns; i++) {
            uint32_t length = (uint32_t)big_endian(data->data + at, 4);
            if (i == 2)
                row.vantage = (int32_t)big_endian(data->data + at + 4, length);
            if (i == 3)
                row.sequence = big_endian(data->data + at + 4, length);
            at += 4 + (length == UINT32_MAX ? 0 : length);
        }
        assert_in_range(pg->row_count, 0, MOST_ROWS - 1);
        pg->rows[pg->row_count++] = row;
    }
    assert_int_equal(at + 2, data->len);
}

/* It is asked for part by part, each of them whole rows. */
void pg_copy_last(struct pg *pg, const char *sql, pg_copy_fn *more, enum statement_id id,
                  const char *const *values, size_t count)
{
    struct buf all, part;
    enum pg_copied given = PG_COPY_MORE;
    (void)sql;
    assert_int_equal(id, STATEMENT_ingest_done);
    assert_int_equal(count, 4);
    (void)snprintf(pg->cursors, sizeof pg->cursors, "%s %s", values[0], values[1]);
    buf_init(&all, 0);
    buf_init(&part, 0);
    while (given == PG_COPY_MORE) {
        buf_clear(&part);
        given = more(&part, pg->turn.arg);
        assert_in_range(part.len, 1, MOST_PART_BYTES);
        assert_true(buf_append(&all, part.data, part.len));
    }
    assert_int_equal(given, PG_COPY_ALL);
    read_rows(pg, &all);
    buf_done(&part);
    buf_done(&all);
    pg->whole = true;
}

/* --- its answers ---------------------------------------------------------------------------------------------- */

static void put(PGresult *result, int column, const char *text)
{
    int row = PQntuples(result) - (column > 0);
    assert_int_equal(PQsetvalue(result, row, column, (char *)(uintptr_t)text, (int)strlen(text)), 1);
}

static PGresult *look_result(void)
{
    static const char *const names[] = {"what", "id", "first", "second", "third", "fourth", "hash"};
    PGresAttDesc columns[7] = {{0}};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    assert_non_null(result);
    for (size_t i = 0; i < 7; i++)
        columns[i].name = (char *)(uintptr_t)names[i];
    assert_int_equal(PQsetResultAttrs(result, 7, columns), 1);
    return result;
}

static uint64_t committed[8];
static int64_t in_force[8];

/* The cursors that are asked for, and round 1, of which is endpoint 1. */
static PGresult *look_answer(const struct pg *pg)
{
    PGresult *result = look_result();
    char text[32];
    for (int vantage = 1; vantage < 8; vantage++) {
        (void)snprintf(text, sizeof text, "%d", vantage);
        if (strstr(pg->params[0], text) == NULL)
            continue;
        put(result, 0, "cursor");
        put(result, 1, text);
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)committed[vantage]);
        put(result, 2, text);
        (void)snprintf(text, sizeof text, "%lld", (long long)in_force[vantage]);
        put(result, 3, text);
    }
    put(result, 0, "round");
    put(result, 1, "1");
    put(result, 2, "1");
    (void)snprintf(text, sizeof text, "%lld", (long long)START_US);
    put(result, 3, text);
    put(result, 4, "0");
    put(result, 5, text);
    return result;
}

/* The turn up to where all is with the database, but for its last answer. */
static void begin(void)
{
    assert_true(db.queued);
    db.queued = false;
    db.running = true;
    db.row_count = 0;
    db.whole = false;
    db.turn.start(&db, db.turn.arg);
    while (db.abandoned == NULL && !db.whole && db.next != NULL) {
        pg_result_fn *next = db.next;
        PGresult *result =
            db.asked == STATEMENT_ingest_look ? look_answer(&db) : PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
        db.next = NULL;
        next(&db, result, db.turn.arg);
        PQclear(result);
    }
    assert_null(db.abandoned);
}

static void end(bool well, const char *why)
{
    struct pg_turn turn = db.turn;
    db.running = false;
    turn.end(well, why, turn.arg);
}

/* --- sessions ------------------------------------------------------------------------------------------------- */

struct vantage {
    struct ingest_source source; /* first */
    uint64_t acked;
    unsigned acks, refused, replaced, released, lies;
};

static uv_loop_t loop;
static struct ingest *ingest;
static struct vantage vantages[8];
static int32_t told[64]; /* whose batches were acknowledged, in order */
static size_t told_count;

static void stored(struct ingest_source *source, uint64_t sequence)
{
    struct vantage *vantage = (struct vantage *)source;
    assert_true(sequence > vantage->acked);
    vantage->acked = sequence;
    vantage->acks++;
    assert_in_range(told_count, 0, 63);
    told[told_count++] = source->vantage_id;
}

static void wanted(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count)
{
    (void)source, (void)sha256, (void)count;
    fail_msg("there are no certificates");
}

static void refused(struct ingest_source *source, const char *why)
{
    assert_string_equal(why, "poison");
    ((struct vantage *)source)->refused++;
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
    ((struct vantage *)source)->released++;
}

static void lied(struct ingest_source *source, const struct refused_note *note)
{
    ((struct vantage *)source)->lies += (unsigned)note->count;
}

static int setup(void **arg)
{
    (void)arg;
    db = (struct pg){0};
    told_count = 0;
    for (int32_t i = 0; i < 8; i++) {
        committed[i] = 0;
        in_force[i] = 5;
        vantages[i] = (struct vantage){.source = {.vantage_id = i,
                                                  .session = 5,
                                                  .stored = stored,
                                                  .wanted = wanted,
                                                  .refused = refused,
                                                  .replaced = replaced,
                                                  .released = released,
                                                  .lied = lied}};
    }
    assert_int_equal(uv_loop_init(&loop), 0);
    ingest = ingest_new(&loop, &db);
    return ingest == NULL;
}

static void stopped(void *arg)
{
    (void)arg;
}

static int teardown(void **arg)
{
    (void)arg;
    ingest_stop(ingest, stopped, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 8; i++)
        ingest_forget(ingest, &vantages[i].source);
    ingest_free(ingest);
    forget_params(&db);
    return uv_loop_close(&loop);
}

/* A batch of attempts with these sequences. */
static void send_batch(int32_t vantage, uint64_t first, uint64_t last, struct bytes encoded)
{
    struct record *records = calloc(last - first + 1, sizeof *records);
    size_t count = 0;
    assert_non_null(records);
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        struct attempt *attempt = attempt_new();
        assert_non_null(attempt);
        attempt->sequence = sequence;
        attempt->round_id = attempt->endpoint_id = 1;
        attempt->clock.start_us = START_US;
        records[count++] = (struct record){.kind = RECORD_ATTEMPT, .attempt = attempt, .encoded = encoded};
    }
    assert_true(ingest_batch(ingest, &vantages[vantage].source, records, count));
    free(records);
}

static void send_few(int32_t vantage, uint64_t first, uint64_t last)
{
    send_batch(vantage, first, last, (struct bytes){(const uint8_t *)"x", 1});
}

static void expect_row(size_t at, int32_t vantage, uint64_t sequence)
{
    assert_in_range(at, 0, db.row_count - 1);
    assert_int_equal(db.rows[at].vantage, vantage);
    assert_int_equal(db.rows[at].sequence, sequence);
}

/* --- order ---------------------------------------------------------------------------------------------------- */

static void all_that_waits_goes_in_as_it_came(void **arg)
{
    (void)arg;
    send_few(2, 1, 3);
    send_few(1, 1, 2);
    send_few(2, 4, 5);
    send_few(3, 9, 9);
    begin();
    assert_int_equal(db.row_count, 8);
    static const struct row expected[] = {{2, 1}, {2, 2}, {2, 3}, {1, 1}, {1, 2}, {2, 4}, {2, 5}, {3, 9}};
    for (size_t i = 0; i < 8; i++)
        expect_row(i, expected[i].vantage, expected[i].sequence);
    assert_string_equal(db.cursors, "{1,2,3} {2,5,9}");
    assert_int_equal(told_count, 0); /* not before COMMIT */
    assert_int_equal(vantages[2].source.waiting, 5);
    end(true, NULL);
    assert_int_equal(told_count, 4);
    assert_true(told[0] == 2 && told[1] == 1 && told[2] == 2 && told[3] == 3);
    assert_int_equal(vantages[2].acked, 5);
    assert_true(vantages[2].source.waiting == 0 && vantages[2].source.refs == 0);
    assert_true(ingest_idle(ingest));
}

static void what_comes_meanwhile_goes_in_next(void **arg)
{
    (void)arg;
    send_few(1, 1, 2);
    begin();
    send_few(1, 3, 3);
    send_few(2, 1, 1);
    end(true, NULL);
    assert_int_equal(told_count, 1);
    committed[1] = 2;
    send_few(1, 4, 4); /* while the next turn waits for its beginning */
    begin();
    assert_int_equal(db.row_count, 3);
    expect_row(0, 1, 3);
    expect_row(1, 2, 1);
    expect_row(2, 1, 4);
    end(true, NULL);
    assert_true(vantages[1].acked == 4 && vantages[2].acked == 1);
}

/* What is at or below the cursor, or twice in the group, is not stored again, but acknowledged. */
static void what_came_before_is_left_out(void **arg)
{
    (void)arg;
    committed[1] = 2;
    send_few(1, 1, 3);
    send_few(1, 3, 4);
    begin();
    assert_int_equal(db.row_count, 2);
    expect_row(0, 1, 3);
    expect_row(1, 1, 4);
    end(true, NULL);
    assert_int_equal(vantages[1].acked, 4);
    send_few(2, 1, 1);
    committed[2] = 7;
    begin(); /* nothing to COPY: the cursor stays */
    assert_int_equal(db.row_count, 0);
    assert_false(db.whole);
    assert_int_equal(db.asked, STATEMENT_ingest_done);
    end(true, NULL);
    assert_int_equal(vantages[2].acked, 1);
}

static void a_session_that_is_not_in_force_stores_nothing(void **arg)
{
    (void)arg;
    in_force[1] = 6;
    send_few(1, 1, 2);
    send_few(2, 1, 2);
    send_few(1, 3, 3);
    begin();
    assert_int_equal(db.row_count, 2);
    expect_row(0, 2, 1);
    assert_string_equal(db.cursors, "{1,2} {0,2}");
    end(true, NULL);
    assert_int_equal(vantages[1].replaced, 1);
    assert_int_equal(vantages[1].acks, 0);
    assert_int_equal(vantages[1].released, 1);
    assert_int_equal(vantages[2].acked, 2);
}

/* --- bounds --------------------------------------------------------------------------------------------------- */

static void a_group_has_so_many_rows(void **arg)
{
    (void)arg;
    uint64_t next[3] = {1, 1, 1};
    for (size_t i = 0; i < 20; i++) {
        send_few(1 + (int32_t)(i % 2), next[i % 2], next[i % 2] + 255);
        next[i % 2] += 256;
    }
    begin();
    assert_int_equal(db.row_count, GROUP_ROWS);
    end(true, NULL);
    assert_int_equal(told_count, 16);
    committed[1] = committed[2] = 2048;
    begin();
    assert_int_equal(db.row_count, 4 * 256);
    expect_row(0, 1, 2049);
    end(true, NULL);
    assert_true(vantages[1].acked == 2560 && vantages[2].acked == 2560);
    assert_true(ingest_idle(ingest));
}

/* One that is larger than a group goes alone; the next begins where a batch would not fit. */
static void a_batch_is_never_parted(void **arg)
{
    (void)arg;
    send_few(1, 1, GROUP_ROWS + 1);
    send_few(2, 1, GROUP_ROWS - 1);
    send_few(3, 1, 2);
    static const size_t rows[] = {GROUP_ROWS + 1, GROUP_ROWS - 1, 2};
    for (size_t i = 0; i < 3; i++) {
        begin();
        assert_int_equal(db.row_count, rows[i]);
        end(true, NULL);
        assert_int_equal(told_count, i + 1);
    }
}

static unsigned changes;

static void on_ceiling(void *arg)
{
    (void)arg;
    changes++;
}

/* Over the ceiling it says so once, and again when half of it is stored: not before, and not for what is with the database. */
static void what_waits_has_a_ceiling(void **arg)
{
    (void)arg;
    static uint8_t evidence[1500];
    struct ceiling *ceiling = ingest_ceiling(ingest);
    uint64_t sequence = 1;
    changes = 0;
    ceiling->changed = on_ceiling;
    for (; !ceiling->full; sequence += 256) {
        assert_in_range(sequence, 1, INGEST_MAX_BYTES / sizeof evidence);
        send_batch(1, sequence, sequence + 255, (struct bytes){evidence, sizeof evidence});
    }
    assert_int_equal(changes, 1);
    assert_int_equal(vantages[1].source.waiting, sequence - 1);
    assert_in_range(sequence, 3 * GROUP_ROWS, 4 * GROUP_ROWS);
    begin();
    db.was_lost = true;
    end(false, "lost");
    assert_int_equal(ceiling->held_bytes >= INGEST_MAX_BYTES, true);
    begin();
    end(true, NULL);
    assert_true(ceiling->full); /* more than half of it waits */
    begin();
    assert_true(ceiling->full);
    end(true, NULL);
    assert_false(ceiling->full);
    assert_int_equal(changes, 2);
    while (db.queued) {
        begin();
        end(true, NULL);
    }
    assert_int_equal(vantages[1].source.waiting, 0);
    assert_int_equal(ceiling->held_bytes, 0);
}

/* --- what was not stored -------------------------------------------------------------------------------------- */

static void a_lost_connection_keeps_the_order(void **arg)
{
    (void)arg;
    send_few(1, 1, 2);
    send_few(2, 1, 1);
    begin();
    send_few(1, 3, 3);
    db.was_lost = true;
    end(false, "lost");
    assert_int_equal(told_count, 0);
    committed[2] = 1; /* its COMMIT may have happened, for all we know */
    begin();
    assert_int_equal(db.row_count, 3);
    expect_row(0, 1, 1);
    expect_row(1, 1, 2);
    expect_row(2, 1, 3);
    end(true, NULL);
    assert_true(told[0] == 1 && told[1] == 2 && told[2] == 1);
}

static void again(void)
{
    while (!db.queued)
        (void)uv_run(&loop, UV_RUN_ONCE);
}

/* A group that the database refuses is tried batch by batch; who is refused alone is given up, and what came after it with it. */
static void one_that_is_refused_holds_up_nobody(void **arg)
{
    (void)arg;
    send_few(1, 1, 1);
    send_few(2, 1, 1);
    send_few(3, 1, 1);
    begin();
    send_few(2, 2, 2);
    send_few(4, 1, 1);
    end(false, "poison");
    assert_int_equal(vantages[2].refused, 0);
    again();
    begin();
    assert_int_equal(db.row_count, 1);
    expect_row(0, 1, 1);
    end(true, NULL);
    begin();
    assert_int_equal(db.row_count, 1);
    expect_row(0, 2, 1);
    end(false, "poison");
    assert_int_equal(vantages[2].refused, 1);
    assert_int_equal(vantages[2].released, 1);
    again();
    begin(); /* the last of those that were refused together */
    assert_int_equal(db.row_count, 1);
    expect_row(0, 3, 1);
    end(true, NULL);
    begin();
    assert_int_equal(db.row_count, 1);
    expect_row(0, 4, 1);
    end(true, NULL);
    assert_int_equal(vantages[2].acks, 0);
    assert_true(ingest_idle(ingest));
}

/* Who does not get a turn now tries again: a session whose window is full says nothing that would remind anybody. */
static void without_a_turn_it_is_tried_again(void **arg)
{
    (void)arg;
    db.deaf = true;
    send_few(1, 1, 1);
    assert_false(db.queued);
    db.deaf = false;
    again();
    begin();
    end(true, NULL);
    assert_int_equal(vantages[1].acked, 1);
}

static void what_waits_of_a_session_that_is_gone_is_dropped(void **arg)
{
    (void)arg;
    send_few(1, 1, 1);
    begin();
    send_few(1, 2, 2);
    send_few(2, 1, 1);
    vantages[1].source.gone = true;
    ingest_forget(ingest, &vantages[1].source);
    assert_int_equal(vantages[1].released, 0); /* the group under way has it */
    end(true, NULL);
    assert_int_equal(vantages[1].acks, 0);
    assert_int_equal(vantages[1].released, 1);
    begin();
    assert_int_equal(db.row_count, 1);
    expect_row(0, 2, 1);
    end(true, NULL);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(all_that_waits_goes_in_as_it_came),
        EACH(what_comes_meanwhile_goes_in_next),
        EACH(what_came_before_is_left_out),
        EACH(a_session_that_is_not_in_force_stores_nothing),
        EACH(a_group_has_so_many_rows),
        EACH(a_batch_is_never_parted),
        EACH(what_waits_has_a_ceiling),
        EACH(a_lost_connection_keeps_the_order),
        EACH(one_that_is_refused_holds_up_nobody),
        EACH(without_a_turn_it_is_tried_again),
        EACH(what_waits_of_a_session_that_is_gone_is_dropped),
    };
    return cmocka_run_group_tests_name("gather", tests, NULL, NULL);
}
