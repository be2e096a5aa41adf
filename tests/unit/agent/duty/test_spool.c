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

static uint64_t put(struct spool *spool, const void *bytes, size_t length)
{
    char *why = NULL;
    struct spool_entry entry = {.sequence = spool_take_sequence(spool), .record = {bytes, length}};
    struct spool_batch batch = {.count = 1, .entries = &entry};
    assert_true(spool_write(spool, &batch, &why));
    return entry.sequence;
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

/* A child writes and tells each sequence once its write returned; killed at any moment, what it told is there. */
static void test_killed_between_puts(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            char *why = NULL;
            struct spool *spool = spool_open(folder, &(struct spool_options){0}, now_us, &why);
            for (;;) {
                struct spool_entry entries[3];
                for (int i = 0; i < 3; i++)
                    entries[i] = (struct spool_entry){.sequence = spool_take_sequence(spool),
                                                      .record = {(const uint8_t *)"x", 1}};
                struct spool_batch batch = {.count = 3, .entries = entries};
                if (!spool_write(spool, &batch, &why) || write(told[1], &entries[2].sequence, 8) != 8)
                    _exit(1);
            }
        }
        (void)close(told[1]);
        uint64_t sequence = 0, last = 0;
        for (int i = 0; i < 20 + round; i++)
            assert_int_equal(read(told[0], &sequence, 8), 8);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while (read(told[0], &sequence, 8) == 8)
            continue;
        (void)close(told[0]);
        struct spool *spool = open_at(now_us, 0, 0);
        static struct bytes records[MAX];
        struct buf out = {0};
        size_t count = read_all(spool, 0, &out, records, &last);
        assert_int_equal(count % 3, 0); /* a transaction is there whole or not at all */
        assert_true(last >= sequence);
        assert_true(spool_next_sequence(spool) > last);
        assert_int_equal((last & UINT32_MAX), count); /* nothing is missing in between */
        commit(spool, last);
        buf_done(&out);
        spool_close(spool);
    }
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
    struct spool_entry report = {.sequence = spool_take_sequence(spool),
                                 .record = {(const uint8_t *)"r", 1},
                                 .is_report = true,
                                 .dropped = (uint32_t)dropped};
    struct spool_batch batch = {.count = 1, .entries = &report};
    char *why = NULL;
    assert_true(spool_write(spool, &batch, &why));
    assert_int_equal(spool_count(spool), kept + 1); /* a report fits when an attempt does not */
    assert_int_equal(spool_dropped(spool), 0);
    commit(spool, last); /* a full spool can be emptied */
    assert_int_equal(spool_count(spool), 1);
    put(spool, large, sizeof large);
    assert_int_equal(spool_count(spool), 2);
    assert_int_equal(spool_dropped(spool), 0);
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
        WITH_FOLDER(test_order_and_reopen),      WITH_FOLDER(test_killed_between_puts),
        WITH_FOLDER(test_full_drops_and_counts), WITH_FOLDER(test_never_wears_out),
        WITH_FOLDER(test_epoch_never_repeats),   WITH_FOLDER(test_certificates),
        cmocka_unit_test(test_bad_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
