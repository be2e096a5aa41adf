#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duty/spool.h"
#include "inject.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each of the spool's calls fails once. What was said to be stored is there at the end, with its bytes; what was not is counted as
 * dropped, or is there all the same; nothing comes twice, and no sequence is given again. */

static const int64_t now_us = INT64_C(1763676000) * 1000000;
enum { BATCHES = 6, EACH = 3, RECORDS = BATCHES * EACH };

struct told {
    uint64_t sequence;
    bool stored;
};

struct run {
    char folder[64];
    struct told told[RECORDS + 1];
    size_t count;
    uint64_t asked;     /* to be deleted up to here, sooner or later */
    uint64_t committed; /* said to be deleted up to here */
    bool certificate;   /* said to be there */
};

static struct spool *open_until(struct run *run)
{
    for (int tries = 0; tries < 3; tries++) {
        char *why = NULL;
        struct spool *spool =
            spool_open(run->folder, &(struct spool_options){.max_certificates = 2}, now_us, &why);
        free(why);
        if (spool != NULL)
            return spool;
    }
    fail_msg("the spool does not open again after a failure of %s", inject_what);
    return NULL;
}

static void write_batch(struct run *run, struct spool *spool, unsigned nth)
{
    struct spool_entry entries[EACH];
    char text[EACH][32], der[64], *why = NULL;
    (void)snprintf(der, sizeof der, "certificate %u", nth);
    struct bytes certificate = {(const uint8_t *)der, strlen(der)};
    for (unsigned i = 0; i < EACH; i++) {
        uint64_t sequence = spool_take_sequence(spool);
        assert_true(run->count == 0 || sequence > run->told[run->count - 1].sequence);
        int length = snprintf(text[i], sizeof text[i], "%llu", (unsigned long long)sequence);
        entries[i] =
            (struct spool_entry){.sequence = sequence, .record = {(const uint8_t *)text[i], (size_t)length}};
        run->told[run->count++].sequence = sequence;
    }
    struct spool_batch batch = {
        .count = EACH, .entries = entries, .certificate_count = 1, .certificates = &certificate};
    bool stored = spool_write(spool, &batch, &why);
    free(why);
    for (unsigned i = 0; i < EACH; i++)
        run->told[run->count - 1 - i].stored = stored;
    if (nth == BATCHES - 1)
        run->certificate = stored;
}

static void commit(struct run *run, struct spool *spool, uint64_t committed)
{
    char *why = NULL;
    struct spool_batch batch = {.committed = committed};
    run->asked = committed;
    if (spool_write(spool, &batch, &why))
        run->committed = committed;
    free(why);
}

/* What can be read is always right, even when it is not all. */
static void read_some(struct spool *spool)
{
    struct buf out = {0};
    struct bytes records[RECORDS];
    uint64_t last = 0;
    size_t count = spool_read(spool, 0, RECORDS, SIZE_MAX, &out, records, &last);
    for (size_t i = 0; i < count; i++)
        assert_in_range(records[i].length, 1, 31);
    if (count > 0) {
        char text[32] = "";
        memcpy(text, records[count - 1].data, records[count - 1].length);
        assert_true(strtoull(text, NULL, 10) == last);
    }
    buf_done(&out);
    (void)spool_count(spool);
}

static void work(struct run *run)
{
    struct spool *spool = open_until(run);
    char *why = NULL;
    for (unsigned i = 0; i < BATCHES; i++) {
        write_batch(run, spool, i);
        if (i == 2)
            commit(run, spool, run->told[1].sequence);
        if (i == 3) {
            (void)spool_raise(spool, spool_next_sequence(spool) + (UINT64_C(2) << 32), &why);
            free(why);
            why = NULL;
        }
        read_some(spool);
    }
    spool_close(spool);
    spool = open_until(run);
    read_some(spool);
    spool_close(spool);
}

static bool is_there(const struct bytes *records, size_t count, uint64_t sequence)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        char text[32] = "";
        memcpy(text, records[i].data, records[i].length < 31 ? records[i].length : 31);
        found += strtoull(text, NULL, 10) == sequence;
    }
    assert_in_range(found, 0, 1);
    return found == 1;
}

static void check(struct run *run)
{
    struct spool *spool = open_until(run);
    struct buf out = {0};
    struct bytes records[RECORDS + 1];
    uint64_t last = 0, lost = 0;
    size_t count = spool_read(spool, 0, RECORDS + 1, SIZE_MAX, &out, records, &last);
    for (size_t i = 0; i < run->count; i++) {
        bool there = is_there(records, count, run->told[i].sequence);
        if (run->told[i].sequence <= run->committed)
            assert_false(there);
        else if (run->told[i].sequence > run->asked && run->told[i].stored && !there)
            fail_msg("after a failure of %s: record %zu was said to be stored and is not there", inject_what,
                     i);
        lost += !there && !run->told[i].stored;
    }
    assert_in_range(lost, 0, EACH);
    if (run->certificate) {
        uint8_t hash[32];
        char der[64];
        (void)snprintf(der, sizeof der, "certificate %u", BATCHES - 1);
        (void)SHA256((const uint8_t *)der, strlen(der), hash);
        assert_true(spool_has_certificate(spool, hash));
    }
    assert_true(spool_next_sequence(spool) > run->told[run->count - 1].sequence);
    buf_done(&out);
    spool_close(spool);
}

static void each_call_fails_once(void **state)
{
    (void)state;
    unsigned long n = 0;
    bool failed = true;
    while (failed) {
        struct run run = {.folder = "/tmp/parallax-inject-XXXXXX"};
        char path[128];
        assert_non_null(mkdtemp(run.folder));
        inject_arm(++n, 1);
        work(&run);
        failed = inject_disarm();
        check(&run);
        (void)snprintf(path, sizeof path, "%s/data.mdb", run.folder);
        (void)unlink(path);
        (void)snprintf(path, sizeof path, "%s/lock.mdb", run.folder);
        (void)unlink(path);
        (void)rmdir(run.folder);
    }
    assert_in_range(n, 50, 100000);
    print_message("spool: %lu calls, each failed once\n", n - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_fails_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
