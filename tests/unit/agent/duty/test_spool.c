#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duty/spool.h"

#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t now_us = INT64_C(1763676000) * 1000000; /* 2025-11-20 */
enum { MAX = 4096 };

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/parallax-spool-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int drop_folder(void **state)
{
    (void)state;
    const char *files[] = {"data.mdb", "lock.mdb"};
    char path[128];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static struct spool *open_at(int64_t wall_us, uint64_t limit_bytes, uint32_t certificates)
{
    char *why = NULL;
    struct spool_options options = {.limit_bytes = limit_bytes, .max_certificates = certificates};
    struct spool *spool = spool_open(folder, &options, wall_us, &why);
    if (spool == NULL)
        fail_msg("%s", why);
    return spool;
}

static uint64_t put_at(struct spool *spool, uint64_t endpoint_id, const void *bytes, size_t length)
{
    char *why = NULL;
    struct spool_entry entry = {
        .sequence = spool_take_sequence(spool), .endpoint_id = endpoint_id, .record = {bytes, length}};
    struct spool_batch batch = {.count = 1, .entries = &entry};
    assert_true(spool_write(spool, &batch, &why));
    return entry.sequence;
}

static uint64_t put(struct spool *spool, const void *bytes, size_t length)
{
    return put_at(spool, 7, bytes, length);
}

static uint64_t put_report(struct spool *spool)
{
    char *why = NULL;
    struct spool_entry entry = {
        .sequence = spool_take_sequence(spool), .is_report = true, .report = {.round_id = 5, .attempts = 3}};
    struct spool_batch batch = {.count = 1, .entries = &entry};
    assert_true(spool_write(spool, &batch, &why));
    return entry.sequence;
}

/* The report with this sequence, as it was stored. The caller frees it with record_done. */
static struct record report_at(struct spool *spool, uint64_t sequence)
{
    struct buf bytes = {0};
    struct bytes stored;
    struct record record = {0};
    uint64_t last = 0;
    const char *why = "";
    assert_int_equal(spool_read(spool, sequence, 1, SIZE_MAX, &bytes, &stored, &last), 1);
    assert_true(last == sequence);
    assert_true(record_decode(stored.data, stored.length, &record, &why));
    assert_int_equal(record.kind, RECORD_ROUND_REPORT);
    assert_true(record.report.sequence == sequence);
    buf_done(&bytes);
    return record;
}

static void commit(struct spool *spool, uint64_t committed)
{
    char *why = NULL;
    struct spool_batch batch = {.committed = committed};
    assert_true(spool_write(spool, &batch, &why));
}

static size_t read_all(struct spool *spool, uint64_t from, struct buf *out, struct bytes records[MAX],
                       uint64_t *last)
{
    return spool_read(spool, from, MAX, SIZE_MAX, out, records, last);
}

static void test_order_and_reopen(void **state)
{
    (void)state;
    struct spool *spool = open_at(now_us, 0, 0);
    struct buf out = {0};
    static struct bytes records[MAX];
    uint64_t first = put(spool, "one", 3), second = put(spool, "two", 3), last = 0;
    put(spool, "three", 5);
    assert_true(second > first);
    spool_close(spool);
    spool = open_at(now_us, 0, 0);
    uint64_t fourth = put(spool, "four", 4);
    assert_true(fourth >> 32 > first >> 32); /* a new epoch */
    assert_int_equal(spool_count(spool), 4);
    assert_int_equal(read_all(spool, 0, &out, records, &last), 4);
    assert_true(last == fourth);
    assert_memory_equal(records[0].data, "one", 3);
    assert_memory_equal(records[2].data, "three", 5);
    assert_memory_equal(records[3].data, "four", 4);
    assert_int_equal(spool_read(spool, first + 1, 1, SIZE_MAX, &out, records, &last), 1);
    assert_memory_equal(records[0].data, "two", 3);
    assert_true(last == second);
    assert_int_equal(spool_read(spool, 0, MAX, 1, &out, records, &last), 1); /* one, however large */
    assert_int_equal(spool_read(spool, 0, MAX, 6, &out, records, &last), 2);
    commit(spool, second);
    assert_int_equal(read_all(spool, 0, &out, records, &last), 2);
    assert_memory_equal(records[0].data, "three", 5);
    commit(spool, fourth);
    assert_int_equal(spool_count(spool), 0);
    assert_int_equal(read_all(spool, 0, &out, records, &last), 0);
    buf_done(&out);
    spool_close(spool);
}

/* What the writer tells before and after it writes three records. */
struct told {
    uint64_t sequence; /* of the last of the three */
    bool durable;
};

static void write_until_killed(int tell)
{
    char *why = NULL;
    static const uint8_t bytes[2000];
    struct spool *spool = spool_open(folder, &(struct spool_options){0}, now_us, &why);
    for (size_t n = 0; spool != NULL; n++) {
        struct spool_entry entries[3];
        for (size_t i = 0; i < 3; i++)
            entries[i] = (struct spool_entry){.sequence = spool_take_sequence(spool),
                                              .endpoint_id = i,
                                              .record = {bytes, 1 + (n * 37 + i) % sizeof bytes}};
        struct spool_batch batch = {.count = 3, .entries = entries};
        struct told told = {.sequence = entries[2].sequence};
        if (write(tell, &told, sizeof told) != sizeof told || !spool_write(spool, &batch, &why))
            break;
        told.durable = true;
        if (write(tell, &told, sizeof told) != sizeof told)
            break;
    }
    _exit(1);
}

/* Killed after a random time, from before the opening is done on. @return the highest sequence given; *ret_durable the last that was written. */
static uint64_t one_life(useconds_t life_us, uint64_t before, uint64_t *ret_durable)
{
    int tell[2];
    struct told told;
    uint64_t highest = before;
    assert_int_equal(pipe(tell), 0);
    pid_t child = fork();
    if (child == 0)
        write_until_killed(tell[1]);
    (void)close(tell[1]);
    (void)usleep(life_us);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    *ret_durable = 0;
    while (read(tell[0], &told, sizeof told) == sizeof told) {
        assert_true(told.sequence > highest || (told.durable && told.sequence == highest));
        highest = told.sequence;
        if (told.durable)
            *ret_durable = told.sequence;
    }
    (void)close(tell[0]);
    return highest;
}

/* Two hundred lives under one clock: what was written is there, in whole transactions, and no sequence is given twice. */
static void test_killed_at_any_moment(void **state)
{
    (void)state;
    static struct bytes records[MAX];
    uint64_t highest = 0, durable = 0, last = 0;
    unsigned wrote = 0, seed = 20251120;
    int longest_us = 12000;
    const char *asked = getenv("PARALLAX_SEED");
    if (asked != NULL)
        seed = (unsigned)strtoul(asked, NULL, 10);
    srand(seed);
    for (int life = 0; life < 200; life++) {
        highest = one_life((useconds_t)(rand() % longest_us), highest, &durable);
        /* How far a life comes depends on the machine: about one in three is to write something. */
        longest_us += durable != 0 ? -longest_us / 16 : longest_us / 32 + 1;
        struct spool *spool = open_at(now_us, 0, 0);
        struct buf out = {0};
        last = 0;
        size_t count = read_all(spool, 0, &out, records, &last);
        assert_int_equal(count % 3, 0); /* a transaction is there whole or not at all */
        assert_true(last >= durable && last <= highest);
        if (count > 0)
            assert_int_equal(last & UINT32_MAX, count); /* nothing is missing in between */
        assert_true(spool_next_sequence(spool) > highest);
        wrote += durable != 0;
        commit(spool, last);
        buf_done(&out);
        spool_close(spool);
    }
    print_message("%u of 200 lives wrote something\n", wrote);
    if (wrote < 20)
        fail_msg("only %u of 200 lives (seed %u) wrote anything: this proves nothing", wrote, seed);
}

static void test_full_drops_and_counts(void **state)
{
    (void)state;
    static uint8_t large[16 * 1024];
    struct spool *spool = open_at(now_us, 1 << 20, 0);
    uint64_t last = 0;
    for (int i = 0; i < 200; i++)
        last = put(spool, large, sizeof large);
    uint64_t kept = spool_count(spool), dropped = spool_dropped(spool);
    assert_in_range(kept, 30, 70);
    assert_int_equal(kept + dropped, 200);
    spool_close(spool);
    spool = open_at(now_us, 1 << 20, 0);
    assert_int_equal(spool_dropped(spool), dropped); /* the count is as durable as the records */
    uint64_t sequence = put_report(spool);
    assert_int_equal(spool_count(spool), kept + 1); /* a report fits when an attempt does not */
    assert_int_equal(spool_dropped(spool), 0);
    struct record report = report_at(spool, sequence);
    assert_int_equal(report.report.dropped, dropped);
    assert_int_equal(report.report.dropped_at_count, 1);
    assert_int_equal(report.report.dropped_at[0].endpoint_id, 7);
    assert_int_equal(report.report.dropped_at[0].count, dropped);
    record_done(&report);
    commit(spool, last); /* a full spool can be emptied */
    assert_int_equal(spool_count(spool), 1);
    put(spool, large, sizeof large);
    assert_int_equal(spool_count(spool), 2);
    assert_int_equal(spool_dropped(spool), 0);
    spool_close(spool);
}

static uint32_t told_of(const struct record *report, uint64_t endpoint_id)
{
    for (size_t i = 0; i < report->report.dropped_at_count; i++)
        if (report->report.dropped_at[i].endpoint_id == endpoint_id)
            return report->report.dropped_at[i].count;
    return 0;
}

/* By endpoint, once, whatever happens between the loss and the report. */
static void test_losses_are_told_once(void **state)
{
    (void)state;
    static uint8_t large[16 * 1024];
    struct spool *spool = open_at(now_us, 1 << 20, 0);
    uint64_t last = 0;
    while (spool_dropped(spool) == 0)
        last = put_at(spool, 1, large, sizeof large);
    for (int i = 0; i < 3; i++)
        (void)put_at(spool, 2, large, sizeof large);
    spool_lose(spool, 2); /* before the spool: in memory until the next transaction */
    spool_lose(spool, 3);
    assert_int_equal(spool_dropped(spool), 6);
    uint64_t sequence = put_report(spool);
    struct record report = report_at(spool, sequence);
    assert_int_equal(report.report.dropped, 6);
    assert_int_equal(report.report.attempts, 3);
    assert_true(told_of(&report, 1) == 1 && told_of(&report, 2) == 4 && told_of(&report, 3) == 1);
    record_done(&report);
    spool_lose(spool, 3);
    (void)put_at(spool, 1, large, sizeof large);
    spool_close(spool);
    spool = open_at(now_us, 1 << 20, 0);
    assert_int_equal(spool_dropped(spool),
                     2); /* the count is as durable as the records; what was told is gone */
    commit(spool, last);
    sequence = put_report(spool);
    report = report_at(spool, sequence);
    assert_true(report.report.dropped == 2 && told_of(&report, 1) == 1 && told_of(&report, 3) == 1);
    record_done(&report);
    sequence = put_report(spool);
    report = report_at(spool, sequence);
    assert_true(report.report.dropped == 0 && report.report.dropped_at_count == 0);
    record_done(&report);
    spool_close(spool);
}

/* More endpoints than a report can name: the rest under endpoint 0, and nothing is lost. */
static void test_many_endpoints_lose(void **state)
{
    (void)state;
    static uint8_t large[16 * 1024];
    struct spool *spool = open_at(now_us, 1 << 20, 0);
    while (spool_dropped(spool) == 0)
        (void)put_at(spool, 1, large, sizeof large);
    for (uint64_t endpoint = 1; endpoint <= 3000; endpoint++)
        spool_lose(spool, endpoint); /* 1 to 1023 have a place in memory, the rest has one together */
    for (uint64_t endpoint = 5000; endpoint < 5010; endpoint++)
        (void)put_at(spool, endpoint, large, sizeof large);
    assert_int_equal(spool_dropped(spool), 3011);
    struct record report = report_at(spool, put_report(spool));
    assert_int_equal(report.report.dropped, 3011);
    assert_in_range(report.report.dropped_at_count, 1000, MESSAGE_MAX_DROPPED_AT);
    assert_int_equal(told_of(&report, 1), 2);
    assert_int_equal(told_of(&report, 1023), 1);
    assert_int_equal(told_of(&report, 0), 3000 - 1023 + 10);
    uint64_t sum = 0;
    for (size_t i = 0; i < report.report.dropped_at_count; i++)
        sum += report.report.dropped_at[i].count;
    assert_int_equal(sum, 3011);
    record_done(&report);
    assert_int_equal(spool_dropped(spool), 0);
    spool_close(spool);
}

/* Somebody looks while the owner writes: nothing changes by it, no epoch begins. */
static void test_looked_at(void **state)
{
    (void)state;
    char *why = NULL;
    assert_null(spool_look("/nonexistent/spool", &why));
    free(why);
    struct spool *spool = open_at(now_us, 0, 0);
    uint64_t first = put(spool, "one", 3);
    pid_t child = fork(); /* an environment is opened once in a process */
    if (child == 0) {
        struct spool_status status;
        struct spool *seen = spool_look(folder, &why);
        bool good = seen != NULL && spool_status(seen, &status, &why) && status.count == 1 &&
                    status.first == first && status.last == first && status.epoch == first >> 32 &&
                    status.used_bytes > 0 && status.dropped == 0;
        spool_close(seen);
        _exit(good ? 0 : 1);
    }
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    uint64_t second = put(spool, "two", 3);
    assert_true(second == first + 1);
    assert_int_equal(spool_count_up_to(spool, first), 1);
    assert_int_equal(spool_count_up_to(spool, second), 2);
    spool_close(spool);
}

/* Filled and emptied many times over: freed pages are used again. */
static void test_never_wears_out(void **state)
{
    (void)state;
    static uint8_t large[16 * 1024];
    struct spool *spool = open_at(now_us, 1 << 20, 0);
    for (int round = 0; round < 20; round++) {
        uint64_t last = 0;
        for (int i = 0; i < 40; i++)
            last = put(spool, large, sizeof large);
        commit(spool, last);
    }
    assert_int_equal(spool_dropped(spool), 0);
    assert_int_equal(spool_count(spool), 0);
    spool_close(spool);
}

static void copy_data(const char *from, const char *to)
{
    char path[128];
    static uint8_t bytes[1 << 20];
    snprintf(path, sizeof path, "%s/%s", folder, from);
    FILE *file = fopen(path, "r");
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    snprintf(path, sizeof path, "%s/%s", folder, to);
    file = fopen(path, "w");
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void test_epoch_never_repeats(void **state)
{
    (void)state;
    char path[128], *why = NULL;
    uint64_t highest = 0;
    /* the clock stands still, steps back, and is absurd: epochs ascend all the same */
    int64_t clocks[] = {now_us, now_us, now_us - INT64_C(3600) * 1000000, 0, -5, INT64_MAX, now_us};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct spool *spool = open_at(clocks[i], 0, 0);
        uint64_t sequence = put(spool, "x", 1);
        assert_true(sequence > highest && sequence <= INT64_MAX);
        highest = sequence;
        spool_close(spool);
        if (i == 0)
            copy_data("data.mdb", "old.mdb");
    }
    /* the folder of long ago comes back, under a clock that is no later: the collector remembers for us */
    copy_data("old.mdb", "data.mdb");
    snprintf(path, sizeof path, "%s/old.mdb", folder);
    assert_int_equal(unlink(path), 0);
    struct spool *spool = open_at(now_us, 0, 0);
    assert_true(spool_raise(spool, highest, &why));
    uint64_t raised = put(spool, "x", 1);
    assert_true(raised > highest);
    assert_true(spool_raise(spool, highest, &why)); /* again, on the next session: nothing changes */
    assert_true(spool_next_sequence(spool) == raised + 1);
    spool_close(spool);
    spool = open_at(now_us, 0, 0);
    assert_true(spool_next_sequence(spool) > raised); /* and it is remembered */
    assert_false(spool_raise(spool, UINT64_MAX, &why));
    free(why);
    spool_close(spool);
}

/* The collector's part: what came, once each; and how far it is. */
struct receiver {
    uint64_t committed;
    size_t count;
};

/* A session: the welcome, then all that waits. Nothing may come below what is committed but what is known to be there. */
static void deliver(struct spool *spool, struct receiver *receiver)
{
    static struct bytes records[MAX];
    char *why = NULL;
    struct buf out = {0};
    uint64_t last = 0;
    assert_true(spool_raise(spool, receiver->committed, &why));
    commit(spool, receiver->committed);
    size_t count = read_all(spool, receiver->committed + 1, &out, records, &last);
    receiver->count += count;
    if (count > 0)
        receiver->committed = last;
    commit(spool, receiver->committed);
    buf_done(&out);
}

/* The folder is copied back time and again, with a clock that goes back, too: all that is given after a welcome arrives, once. */
static void test_restored_from_an_old_copy(void **state)
{
    (void)state;
    char path[128];
    struct receiver receiver = {0};
    size_t given = 0;
    for (int life = 0; life < 12; life++) {
        struct spool *spool = open_at(now_us - life * INT64_C(86400) * 1000000, 0, 0);
        deliver(spool, &receiver); /* no result comes before the first welcome */
        for (int i = 0; i < 5; i++, given++)
            assert_true(put(spool, "x", 1) > receiver.committed);
        if (life % 3 != 2)
            deliver(spool, &receiver);
        else
            given -= 5; /* the copy comes back before they were sent: gone with the folder */
        assert_int_equal(receiver.count, given);
        spool_close(spool);
        if (life == 0)
            copy_data("data.mdb", "old.mdb");
        if (life % 3 == 2)
            copy_data("old.mdb", "data.mdb");
    }
    snprintf(path, sizeof path, "%s/old.mdb", folder);
    assert_int_equal(unlink(path), 0);
}

static void test_certificates(void **state)
{
    (void)state;
    struct spool *spool = open_at(now_us, 0, 10);
    uint8_t hash[32];
    char der[32], *why = NULL;
    struct buf out = {0};
    for (int i = 0; i < 15; i++) {
        snprintf(der, sizeof der, "certificate %d", i);
        struct bytes bytes[2] = {{(const uint8_t *)der, strlen(der)}, {(const uint8_t *)der, strlen(der)}};
        struct spool_batch batch = {.certificate_count = 2, .certificates = bytes};
        assert_true(spool_write(spool, &batch, &why));
    }
    spool_close(spool);
    spool = open_at(now_us, 0, 10);
    for (int i = 0; i < 15; i++) {
        snprintf(der, sizeof der, "certificate %d", i);
        SHA256((const uint8_t *)der, strlen(der), hash);
        assert_int_equal(spool_has_certificate(spool, hash), i >= 5);
        buf_clear(&out);
        assert_int_equal(spool_certificate(spool, hash, &out), i >= 5);
        if (i >= 5)
            assert_string_equal((const char *)out.data, der);
    }
    buf_done(&out);
    spool_close(spool);
}

static void test_bad_folder(void **state)
{
    (void)state;
    char *why = NULL;
    assert_null(spool_open("/proc/parallax/spool", &(struct spool_options){0}, now_us, &why));
    assert_non_null(strstr(why, "/proc/parallax/spool: "));
    free(why);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_order_and_reopen),
        WITH_FOLDER(test_killed_at_any_moment),
        WITH_FOLDER(test_full_drops_and_counts),
        WITH_FOLDER(test_never_wears_out),
        WITH_FOLDER(test_epoch_never_repeats),
        WITH_FOLDER(test_certificates),
        WITH_FOLDER(test_losses_are_told_once),
        WITH_FOLDER(test_many_endpoints_lose),
        WITH_FOLDER(test_looked_at),
        WITH_FOLDER(test_restored_from_an_old_copy),
        cmocka_unit_test(test_bad_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
