#include "replay/recording.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "link/clock.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>

/*
 * When every line is read:
 *   1. all that was named must have been described
 *   2. an attempt without a start starts with its round; one without a round belongs to the round of its site's interval
 *      that it lies in: intervals are counted from the Unix epoch
 *   3. rounds of one interval and start are one, from whatever files and lines they come
 *   4. ids: as in the file, as far as they are free
 *   5. sequences: as in the file; an attempt without one comes after all of its vantage that have one, in order of time
 */
enum { DEFAULT_INTERVAL_S = 60, DEFAULT_TIMEOUT_US = 10000000, ATTEMPT_OLDEST_S = 1577836800 };

/* --- what was named --- */

static bool all_described(struct recording *recording)
{
    for (size_t i = 0; i < recording->vantage_count; i++)
        if (recording->vantages[i].region == NULL)
            return recording_error(recording, recording->vantages[i].place,
                                   _("vantage %s: no line says what region it is in"),
                                   recording->vantages[i].name);
    for (size_t i = 0; i < recording->endpoint_count; i++)
        if (recording->endpoints[i].host == NULL)
            return recording_error(recording, recording->endpoints[i].place,
                                   _("endpoint %lld: no line says what it is"),
                                   (long long)recording->endpoints[i].id);
    if (recording->attempt_count > 0)
        return true;
    cli_error(_("%s: no line is an attempt"), recording->files[0]);
    return false;
}

/* --- times --- */

static unsigned interval_of(const struct recording *recording, uint32_t endpoint)
{
    uint32_t site = recording_endpoint(recording, endpoint)->site;
    unsigned interval_s = site == RECORDING_NONE ? 0 : recording->sites[site].interval_s;
    return interval_s == 0 ? DEFAULT_INTERVAL_S : interval_s;
}

/* An hour is what ingest takes: here it can still be said which line it is. */
static bool start_is_possible(struct recording *recording, const struct recorded_attempt *attempt,
                              int64_t now_us)
{
    if (attempt->start_us >= ATTEMPT_OLDEST_S * US_PER_S && attempt->start_us <= now_us + 3600 * US_PER_S)
        return true;
    char text[UNITS_TIME_BYTES];
    return recording_error(
        recording, attempt->place,
        _("clock.start: %s is before 2020, or more than an hour ahead of this machine's clock"),
        time_rfc3339(attempt->start_us, 0, text));
}

static bool settle_starts(struct recording *recording)
{
    int64_t now_us = clock_wall_us();
    for (size_t i = 0; i < recording->attempt_count; i++) {
        struct recorded_attempt *attempt = &recording->attempts[i];
        struct recorded_round *round =
            attempt->round == RECORDING_NONE ? NULL : &recording->rounds[attempt->round];
        if (attempt->start_us == 0 && (round == NULL || !round->said))
            return recording_error(
                recording, attempt->place, "%s",
                _("clock.start: when the attempt started is missing, and so is a line of its round"));
        if (attempt->start_us == 0)
            attempt->start_us = round->start_us;
        if (!start_is_possible(recording, attempt, now_us))
            return false;
        if (round == NULL || round->said)
            continue;
        if (attempt->start_us < round->start_us)
            round->start_us = attempt->start_us;
        round->interval_s = interval_of(recording, attempt->endpoint);
    }
    return true;
}

/* --- rounds --- */

static void fill_round(struct recorded_round *round)
{
    int64_t interval_us = round->interval_s * US_PER_S;
    round->spread_us = (uint64_t)interval_us / 2;
    round->timeout_us = DEFAULT_TIMEOUT_US;
    round->deadline_us = round->start_us + interval_us;
}

static bool round_for(struct recording *recording, struct recorded_attempt *attempt)
{
    char key[64];
    unsigned interval_s = interval_of(recording, attempt->endpoint);
    int64_t start_us = attempt->start_us - attempt->start_us % (interval_s * US_PER_S);
    (void)snprintf(key, sizeof key, "round at %u %lld", interval_s, (long long)start_us);
    uint32_t index = recording_find(recording, key);
    if (index == RECORDING_NONE) {
        index = recording_round_new(recording, attempt->place);
        if (index == RECORDING_NONE)
            return false;
        struct recorded_round *round = &recording->rounds[index];
        round->interval_s = interval_s;
        round->start_us = start_us;
        fill_round(round);
        if (!recording_name(recording, key, index))
            return recording_error(recording, attempt->place, "%s", _("out of memory"));
    }
    attempt->round = index;
    return true;
}

/* Of rounds that are the same the first stays. Those that a person asked for are never the same. */
static bool unify_rounds(struct recording *recording)
{
    char key[64];
    for (uint32_t i = 0; i < recording->round_count; i++) {
        struct recorded_round *round = &recording->rounds[i];
        if (round->start_us == INT64_MAX)
            continue; /* named by nobody but itself */
        if (!round->said)
            fill_round(round);
        (void)snprintf(key, sizeof key, "round at %u %lld", round->interval_s, (long long)round->start_us);
        uint32_t known = round->interval_s == 0 ? i : recording_find(recording, key);
        if (known != RECORDING_NONE && known != i)
            round->same_as = known;
        else if (known == RECORDING_NONE && !recording_name(recording, key, i))
            return recording_error(recording, round->place, "%s", _("out of memory"));
    }
    return true;
}

static bool settle_rounds(struct recording *recording)
{
    if (!unify_rounds(recording))
        return false;
    for (size_t i = 0; i < recording->attempt_count; i++)
        if (recording->attempts[i].round == RECORDING_NONE && !round_for(recording, &recording->attempts[i]))
            return false;
    return true;
}

/* --- ids --- */

struct wish {
    int64_t id;
    int64_t order; /* of those that have none, or have to take another */
    uint32_t index;
};

static int wish_compare(const void *a, const void *b)
{
    const struct wish *left = a, *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    if (left->order != right->order)
        return left->order < right->order ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

/* Gives each of the sorted wishes an id: its own where that is free, else the next above all. */
static void grant(struct wish *wishes, size_t count)
{
    int64_t next = count == 0 ? 0 : wishes[count - 1].id, last = 0;
    for (size_t i = 0; i < count; i++) {
        if (wishes[i].id == last)
            wishes[i].id = ++next;
        else
            last = wishes[i].id;
    }
}

static bool settle_endpoint_ids(struct recording *recording)
{
    size_t count = 0;
    struct wish *wishes = calloc(recording->endpoint_count + 1, sizeof *wishes);
    if (wishes == NULL)
        return recording_error(recording, (struct recording_place){0}, "%s", _("out of memory"));
    for (uint32_t i = 0; i < recording->endpoint_count; i++)
        if (recording->endpoints[i].same_as == RECORDING_NONE)
            wishes[count++] = (struct wish){recording->endpoints[i].id, i, i};
    qsort(wishes, count, sizeof *wishes, wish_compare);
    grant(wishes, count);
    for (size_t i = 0; i < count; i++)
        recording->endpoints[wishes[i].index].id = wishes[i].id;
    free(wishes);
    return true;
}

static bool settle_round_ids(struct recording *recording)
{
    size_t count = 0;
    struct wish *wishes = calloc(recording->round_count + 1, sizeof *wishes);
    if (wishes == NULL)
        return recording_error(recording, (struct recording_place){0}, "%s", _("out of memory"));
    for (uint32_t i = 0; i < recording->round_count; i++)
        if (recording->rounds[i].same_as == RECORDING_NONE)
            wishes[count++] = (struct wish){recording->rounds[i].id, recording->rounds[i].start_us, i};
    qsort(wishes, count, sizeof *wishes, wish_compare);
    grant(wishes, count);
    for (size_t i = 0; i < count; i++)
        recording->rounds[wishes[i].index].id = wishes[i].id;
    free(wishes);
    return true;
}

static int name_compare(const void *a, const void *b)
{
    const struct recorded_vantage *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static bool settle_vantage_ids(struct recording *recording)
{
    struct recorded_vantage **sorted = calloc(recording->vantage_count + 1, sizeof(void *));
    if (sorted == NULL)
        return recording_error(recording, (struct recording_place){0}, "%s", _("out of memory"));
    for (size_t i = 0; i < recording->vantage_count; i++)
        sorted[i] = &recording->vantages[i];
    qsort(sorted, recording->vantage_count, sizeof(void *), name_compare);
    for (size_t i = 0; i < recording->vantage_count; i++)
        sorted[i]->id = (int32_t)i + 1;
    free(sorted);
    return true;
}

/* --- sequences --- */

static int place_compare(const struct recorded_attempt *a, const struct recorded_attempt *b)
{
    if (a->place.file != b->place.file)
        return a->place.file < b->place.file ? -1 : 1;
    return (a->place.line > b->place.line) - (a->place.line < b->place.line);
}

/* By vantage; those with a sequence first, in its order; then by time. */
static int attempt_compare(const void *a, const void *b)
{
    const struct recorded_attempt *left = a, *right = b;
    if (left->vantage != right->vantage)
        return left->vantage < right->vantage ? -1 : 1;
    if (left->sequence != right->sequence)
        return left->sequence - 1 < right->sequence - 1 ? -1 : 1; /* none is the largest */
    if (left->sequence == 0 && left->start_us != right->start_us)
        return left->start_us < right->start_us ? -1 : 1;
    return place_compare(left, right);
}

static bool settle_sequences(struct recording *recording)
{
    struct recorded_attempt *attempts = recording->attempts;
    qsort(attempts, recording->attempt_count, sizeof *attempts, attempt_compare);
    for (size_t i = 0; i < recording->attempt_count; i++) {
        bool first = i == 0 || attempts[i].vantage != attempts[i - 1].vantage;
        uint64_t before = first ? 0 : attempts[i - 1].sequence;
        if (attempts[i].sequence == 0 && before < INT64_MAX)
            attempts[i].sequence = before + 1;
        else if (attempts[i].sequence == before)
            return recording_error(recording, attempts[i].place,
                                   _("sequence: vantage %s has another attempt %llu, on line %u of %s"),
                                   recording->vantages[attempts[i].vantage].name, (unsigned long long)before,
                                   attempts[i - 1].place.line, recording->files[attempts[i - 1].place.file]);
    }
    return true;
}

bool recording_settle(struct recording *recording)
{
    return all_described(recording) && settle_starts(recording) && settle_rounds(recording) &&
           settle_vantage_ids(recording) && settle_endpoint_ids(recording) && settle_round_ids(recording) &&
           settle_sequences(recording);
}
