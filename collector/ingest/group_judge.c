#include "ingest/group_judge.h"

#include "ingest/group.h"
#include "ingest/look.h"
#include "store/array.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>

#define JUDGE_BEFORE_US (INT64_C(3600) * US_PER_S)
#define JUDGE_AFTER_US  (INT64_C(3600) * US_PER_S)
#define JUDGE_AHEAD_US  (INT64_C(3600) * US_PER_S)
#define JUDGE_CLOCK_US  (INT64_C(600) * US_PER_S)
#define JUDGE_SLOT_US   US_PER_S

#define REFUSAL_ID(symbol, id, text)   id,
#define REFUSAL_TEXT(symbol, id, text) text,

const char *refusal_id(enum refusal refusal)
{
    static const char *const ids[REFUSAL_COUNT] = {"none", REFUSALS(REFUSAL_ID)};
    return refusal < REFUSAL_COUNT ? ids[refusal] : "none";
}

const char *refusal_text(enum refusal refusal)
{
    static const char *const texts[REFUSAL_COUNT] = {"", REFUSALS(REFUSAL_TEXT)};
    return refusal < REFUSAL_COUNT ? texts[refusal] : "";
}

/* --- the book --- */

static int window_compare(const void *a, const void *b)
{
    int64_t left = ((const struct round_window *)a)->round_id;
    int64_t right = ((const struct round_window *)b)->round_id;
    return (left > right) - (left < right);
}

static int pair_compare(const void *a, const void *b)
{
    const struct round_pair *left = a, *right = b;
    if (left->round_id != right->round_id)
        return left->round_id < right->round_id ? -1 : 1;
    return (left->endpoint_id > right->endpoint_id) - (left->endpoint_id < right->endpoint_id);
}

bool round_book_read(struct round_book *book, const PGresult *result)
{
    int rows = PQntuples(result);
    round_book_done(book);
    book->windows = calloc((size_t)rows + 1, sizeof *book->windows);
    book->pairs = calloc((size_t)rows + 1, sizeof *book->pairs);
    if (book->windows == NULL || book->pairs == NULL)
        return false;
    for (int row = 0; row < rows; row++) {
        if (!look_is(result, row, "round"))
            continue;
        int64_t round_id = look_number(result, row, LOOK_ID);
        if (book->window_count == 0 || book->windows[book->window_count - 1].round_id != round_id)
            book->windows[book->window_count++] = (struct round_window){
                round_id, look_number(result, row, LOOK_SECOND), look_number(result, row, LOOK_THIRD),
                look_number(result, row, LOOK_FOURTH)};
        if (PQgetisnull(result, row, LOOK_FIRST) == 0)
            book->pairs[book->pair_count++] =
                (struct round_pair){round_id, look_number(result, row, LOOK_FIRST)};
    }
    return true;
}

void round_book_done(struct round_book *book)
{
    free(book->windows);
    free(book->pairs);
    *book = (struct round_book){0};
}

static const struct round_window *book_window(const struct round_book *book, uint64_t round_id)
{
    const struct round_window wanted = {.round_id = (int64_t)round_id};
    return book->window_count == 0 || round_id > INT64_MAX
               ? NULL
               : bsearch(&wanted, book->windows, book->window_count, sizeof wanted, window_compare);
}

static bool book_has(const struct round_book *book, uint64_t round_id, uint64_t endpoint_id)
{
    const struct round_pair wanted = {(int64_t)round_id, (int64_t)endpoint_id};
    return book->pair_count > 0 && endpoint_id <= INT64_MAX &&
           bsearch(&wanted, book->pairs, book->pair_count, sizeof wanted, pair_compare) != NULL;
}

/* --- the judgement --- */

/* Every sum is of a time of the database or the clock and a few hours, and compared with the stranger's. */
static enum refusal judge_time(const struct round_window *window, const struct claim *claim, int64_t now_us)
{
    int64_t start_us = claim->start_us, slot_us = claim->slot_us;
    if (claim->start_error_us > (uint64_t)JUDGE_CLOCK_US)
        return REFUSAL_CLOCK;
    int64_t error_us = (int64_t)claim->start_error_us;
    if (start_us > now_us + JUDGE_AHEAD_US + error_us)
        return REFUSAL_FUTURE;
    if (start_us < window->start_us - JUDGE_BEFORE_US - error_us)
        return REFUSAL_BEFORE;
    if (start_us > window->deadline_us + JUDGE_AFTER_US + error_us)
        return REFUSAL_AFTER;
    if (slot_us != 0 && (slot_us < window->start_us - JUDGE_SLOT_US ||
                         slot_us > window->start_us + window->spread_us + JUDGE_SLOT_US))
        return REFUSAL_SLOT;
    return REFUSAL_NONE;
}

enum refusal claim_judge(const struct round_book *book, const struct claim *claim, int64_t now_us)
{
    if (claim->round_id == 0)
        return REFUSAL_NO_ROUND;
    const struct round_window *window = book_window(book, claim->round_id);
    if (window == NULL)
        return REFUSAL_UNKNOWN_ROUND;
    if (!book_has(book, claim->round_id, claim->endpoint_id))
        return REFUSAL_ENDPOINT;
    return judge_time(window, claim, now_us);
}

/* --- of a group --- */

/* An id beyond the database's numbers is asked for as 0, which nothing has. */
static int64_t asked_id(uint64_t id)
{
    return id <= INT64_MAX ? (int64_t)id : 0;
}

static size_t pairs_collect(const struct group *group, struct round_pair *pairs)
{
    size_t count = 0, kept = 0;
    GROUP_EACH(group, batch, record)
    {
        const struct round_pair pair = {asked_id(record->claim.round_id),
                                        asked_id(record->claim.endpoint_id)};
        if (record->kind == RECORD_ATTEMPT)
            pairs[count++] = pair;
    }
    if (count > 1)
        qsort(pairs, count, sizeof *pairs, pair_compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || pair_compare(&pairs[kept - 1], &pairs[i]) != 0)
            pairs[kept++] = pairs[i];
    return kept;
}

void group_pairs(const struct group *group, char *ret_params[2])
{
    struct buf rounds, endpoints;
    struct round_pair *pairs = calloc(group->row_count + 1, sizeof *pairs);
    size_t count = pairs == NULL ? 0 : pairs_collect(group, pairs);
    array_begin(&rounds);
    array_begin(&endpoints);
    for (size_t i = 0; i < count; i++) {
        (void)array_number(&rounds, pairs[i].round_id);
        (void)array_number(&endpoints, pairs[i].endpoint_id);
    }
    ret_params[0] = array_take(&rounds);
    ret_params[1] = array_take(&endpoints);
    if (pairs == NULL) { /* no list is not an empty list */
        free(ret_params[0]);
        ret_params[0] = NULL;
    }
    free(pairs);
}

bool group_judge(struct group *group, const PGresult *result)
{
    if (!round_book_read(&group->book, result))
        return false;
    GROUP_EACH(group, batch, record)
    {
        bool judged = record->kind == RECORD_ATTEMPT && batch_came(batch, record);
        record->verdict = judged ? claim_judge(&group->book, &record->claim, group->formed_us) : REFUSAL_NONE;
    }
    return true;
}

struct refused_note group_refused_of(const struct batch *batch)
{
    struct refused_note note = {0};
    for (size_t i = 0; i < batch->count; i++) {
        enum refusal refusal = batch->records[i].verdict;
        if (refusal == REFUSAL_NONE || !batch_came(batch, &batch->records[i]))
            continue;
        if (note.count++ == 0) {
            note.sequence = batch->records[i].sequence;
            note.refusal = refusal;
        }
    }
    return note;
}

long group_refusals(const struct group *group, char *ret_params[3])
{
    struct buf arrays[3];
    long rows = 0;
    for (size_t i = 0; i < 3; i++)
        array_begin(&arrays[i]);
    for (const struct batch *batch = group->batches; batch != NULL; batch = batch->next) {
        int64_t counts[REFUSAL_COUNT] = {0};
        for (size_t i = 0; i < batch->count; i++)
            if (batch_came(batch, &batch->records[i]))
                counts[batch->records[i].verdict]++;
        for (unsigned refusal = REFUSAL_NONE + 1; refusal < REFUSAL_COUNT; refusal++) {
            if (counts[refusal] == 0)
                continue;
            (void)array_number(&arrays[0], batch->source->vantage_id);
            (void)array_text(&arrays[1], refusal_id((enum refusal)refusal));
            (void)array_number(&arrays[2], counts[refusal]);
            rows++;
        }
    }
    bool whole = true;
    for (size_t i = 0; i < 3; i++) {
        ret_params[i] = array_take(&arrays[i]);
        whole = whole && ret_params[i] != NULL;
    }
    return whole ? rows : -1;
}
