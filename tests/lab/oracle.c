/*
 * The oracle: what reached the spool. Linked into a test build of the agent with -Wl,--wrap=spool_write, it writes beside each
 * transaction, into the file that CHAOS_ORACLE names (nothing when it names none), one write for the lines before it and one after:
 *
 *   life PID                                                   a process begins to write
 *   attempt SEQUENCE ENDPOINT ROUND VARIANT ROLE               about to be written
 *   report SEQUENCE ROUND
 *   told SEQUENCE ENDPOINT COUNT                               what a report that is kept tells of: results that were dropped
 *   kept SEQUENCE [DROPPED]                                    the transaction that holds it has committed; the sum that a report tells
 *   dropped SEQUENCE durable|memory                            it was not kept, and the count is in the spool, or with the process
 *
 * A record with neither of the last two was under way when the process was killed: it may have been kept. So that this happens
 * at all, the process kills itself before or after the transaction when it finds the file CHAOS_KILL.before or CHAOS_KILL.after,
 * which it removes first. CHAOS_SPOOL_KIB bounds the spool far below what settings can, so that it is full soon.
 */
#include "duty/spool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool __real_spool_write(struct spool *spool, const struct spool_batch *batch, char **ret_why);
bool __wrap_spool_write(struct spool *spool, const struct spool_batch *batch, char **ret_why);
struct spool *__real_spool_open(const char *folder, const struct spool_options *options, int64_t wall_us,
                                char **ret_why);
struct spool *__wrap_spool_open(const char *folder, const struct spool_options *options, int64_t wall_us,
                                char **ret_why);

enum { ARENA_BYTES = 1 << 20, PATH_BYTES = 512 };

static int oracle_file(void)
{
    static int file = -1;
    const char *path = getenv("CHAOS_ORACLE");
    if (file < 0 && path != NULL) {
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (file < 0 || dprintf(file, "life %ld\n", (long)getpid()) < 0)
            abort(); /* without its oracle a run proves nothing */
    }
    return file;
}

static void oracle_say(struct buf *lines)
{
    if (lines->len > 0 && write(oracle_file(), lines->data, lines->len) != (ssize_t)lines->len)
        abort();
    buf_done(lines);
}

/* Decodes one encoded record, as a batch of one. @return false when it is none. */
static bool decode(const struct bytes *record, struct arena *arena, struct message *ret_message)
{
    struct buf payload;
    const char *why = NULL;
    buf_init(&payload, 0);
    bool good = message_encode_batch(record, 1, &payload) &&
                message_decode(payload.data, payload.len, arena, ret_message, &why);
    buf_done(&payload);
    return good;
}

static void intend(const struct spool_entry *entry, struct buf *lines)
{
    struct arena arena;
    struct message message;
    if (entry->is_report) {
        (void)buf_printf(lines, "report %" PRIu64 " %" PRIu64 "\n", entry->sequence, entry->report.round_id);
        return;
    }
    arena_init(&arena, ARENA_BYTES);
    if (!decode(&entry->record, &arena, &message))
        abort();
    const struct attempt *attempt = message.batch.records[0].attempt;
    if (attempt->sequence != entry->sequence)
        abort();
    (void)buf_printf(lines, "attempt %" PRIu64 " %" PRIu64 " %" PRIu64 " %d %d\n", entry->sequence,
                     attempt->endpoint_id, attempt->round_id, (int)attempt->variant, (int)attempt->role);
    message_done(&message);
    arena_done(&arena);
}

/* Nothing deletes between two transactions, so what was kept is there now. */
static bool find(struct spool *spool, uint64_t sequence, struct buf *bytes, struct bytes *ret_record)
{
    uint64_t last = 0;
    return spool_read(spool, sequence, 1, SIZE_MAX, bytes, ret_record, &last) == 1 && last == sequence;
}

static void conclude(struct spool *spool, const struct spool_entry *entry, bool written, struct buf *lines)
{
    struct buf bytes;
    struct bytes record;
    buf_init(&bytes, 0);
    if (!written || !find(spool, entry->sequence, &bytes, &record)) {
        (void)buf_printf(lines, "dropped %" PRIu64 " %s\n", entry->sequence, written ? "durable" : "memory");
    } else if (entry->is_report) {
        struct arena arena;
        struct message message;
        arena_init(&arena, ARENA_BYTES);
        if (!decode(&record, &arena, &message))
            abort();
        const struct round_report *report = &message.batch.records[0].report;
        for (size_t i = 0; i < report->dropped_at_count; i++)
            (void)buf_printf(lines, "told %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", entry->sequence,
                             report->dropped_at[i].endpoint_id, (uint64_t)report->dropped_at[i].count);
        (void)buf_printf(lines, "kept %" PRIu64 " %" PRIu32 "\n", entry->sequence, report->dropped);
        message_done(&message);
        arena_done(&arena);
    } else {
        (void)buf_printf(lines, "kept %" PRIu64 "\n", entry->sequence);
    }
    buf_done(&bytes);
}

static bool has_attempt(const struct spool_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (!batch->entries[i].is_report)
            return true;
    return false;
}

/* A file that is there to be found once: of us and whoever takes the order back, one removes it. */
static void die_if_told(const struct spool_batch *batch, const char *when)
{
    if (!has_attempt(batch))
        return;
    char path[PATH_BYTES];
    const char *order = getenv("CHAOS_KILL");
    int length = order != NULL ? snprintf(path, sizeof path, "%s.%s", order, when) : 0;
    if (length > 0 && length < (int)sizeof path && unlink(path) == 0)
        (void)kill(getpid(), SIGKILL);
}

struct spool *__wrap_spool_open(const char *folder, const struct spool_options *options, int64_t wall_us,
                                char **ret_why)
{
    const char *kib = getenv("CHAOS_SPOOL_KIB");
    struct spool_options own = *options;
    if (kib != NULL)
        own.limit_bytes = strtoull(kib, NULL, 10) * 1024;
    return __real_spool_open(folder, &own, wall_us, ret_why);
}

bool __wrap_spool_write(struct spool *spool, const struct spool_batch *batch, char **ret_why)
{
    struct buf lines;
    if (oracle_file() < 0)
        return __real_spool_write(spool, batch, ret_why);
    buf_init(&lines, 0);
    for (size_t i = 0; i < batch->count; i++)
        intend(&batch->entries[i], &lines);
    oracle_say(&lines);
    die_if_told(batch, "before");
    bool written = __real_spool_write(spool, batch, ret_why);
    die_if_told(batch, "after");
    buf_init(&lines, 0);
    for (size_t i = 0; i < batch->count; i++)
        conclude(spool, &batch->entries[i], written, &lines);
    oracle_say(&lines);
    return written;
}
