#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/case.h"
#include "store/array.h"
#include "store/evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Cases as they are stored. Many are asked for at once, because each statement costs as much to plan as a case costs to read, and more the
 * more days are kept; their rows come one by one, so that any number of cases takes the memory of one.
 */

enum { CASES_ARENA_BYTES = 1 << 20, CASES_NUMBER_BYTES = 24 };

/* --- the rounds that tell why ------------------------------------------------------------------------------------------- */

PGresult *case_rounds(struct db *db, enum statement_id id, const struct case_failure *failures, size_t count,
                      const struct case_bounds *bounds)
{
    struct buf endpoints, classes;
    array_begin(&endpoints);
    array_begin(&classes);
    for (size_t i = 0; i < count; i++) {
        (void)array_number(&endpoints, failures[i].endpoint_id);
        (void)array_number(&classes, (int64_t)failures[i].class);
    }
    char *arrays[] = {array_take(&endpoints), array_take(&classes)};
    const char *values[] = {arrays[0], arrays[1], bounds->since, bounds->until, bounds->round_id};
    PGresult *rounds = NULL;
    if (arrays[0] == NULL || arrays[1] == NULL)
        cli_error(_("out of memory"));
    else
        rounds = db_query(db, id, values, sizeof values / sizeof values[0]);
    free(arrays[0]);
    free(arrays[1]);
    return rounds;
}

/* Below 0: the row is before the failure's. */
static int compare(const PGresult *rounds, int row, const struct case_failure *failure)
{
    int64_t endpoint_id = db_int(rounds, row, "endpoint_id"), class = db_int(rounds, row, "class");
    if (endpoint_id != failure->endpoint_id)
        return endpoint_id < failure->endpoint_id ? -1 : 1;
    return class == (int64_t)failure->class ? 0 : class < (int64_t)failure->class ? -1 : 1;
}

int case_rounds_of(const PGresult *rounds, const struct case_failure *failure, int *ret_end)
{
    int low = 0, high = PQntuples(rounds), count = high;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (compare(rounds, middle, failure) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_end = low;
    while (*ret_end < count && compare(rounds, *ret_end, failure) == 0)
        (*ret_end)++;
    return low;
}

int64_t case_round_of(const PGresult *rounds, const struct case_failure *failure, int64_t vantage_id,
                      int64_t otherwise)
{
    int end, row = case_rounds_of(rounds, failure, &end);
    for (; row < end; row++) {
        if (db_int(rounds, row, "vantage_id") == vantage_id)
            return db_int(rounds, row, "round_id");
    }
    return otherwise;
}

/* --- attempts -------------------------------------------------------------------------------------------------------------- */

struct reading {
    const struct case_key *keys;
    size_t count;
    cases_fn *each;
    void *arg;
    size_t nth; /* of the keys, from 1, whose rows come; 0: none came yet */
    struct cases cases;
    const struct endpoint *subject;
    const struct endpoint *at;
    struct case_attempt made[CASES_MAX_ATTEMPTS];
    bool out_of_memory;
};

static struct endpoint *read_endpoint(struct arena *arena, const PGresult *row)
{
    struct endpoint *endpoint = arena_take(arena, sizeof *endpoint);
    if (endpoint == NULL)
        return NULL;
    *endpoint = (struct endpoint){
        .id = (uint64_t)db_int(row, 0, "endpoint_id"),
        .site = "",
        .host = arena_string(arena, db_text(row, 0, "host")),
        .port = (uint16_t)db_int(row, 0, "port"),
        .sni = arena_string(arena, db_text(row, 0, "sni")),
        .no_sni = db_text(row, 0, "no_sni")[0] == 't',
        .role = (enum endpoint_role)db_int(row, 0, "role"),
        .starttls = (enum starttls)db_int(row, 0, "starttls"),
    };
    (void)address_parse(db_text(row, 0, "address"), &endpoint->address);
    return endpoint->host == NULL || endpoint->sni == NULL ? NULL : endpoint;
}

static bool gather_and_conclude(struct cases *cases, const struct endpoint *endpoint,
                                const struct case_attempt *made)
{
    struct case_file files[CASES_MAX];
    size_t count = endpoint == NULL ? 0 : cases_gather(endpoint, made, cases->attempt_count, files);
    for (size_t i = 0; i < count; i++) {
        cases->cases[i].file = files[i];
        if (!conclude(&cases->cases[i].file, &cases->arena, &cases->cases[i].conclusion))
            return false;
    }
    cases->count = count;
    return true;
}

/* All rows of a key have come. */
static bool finish(struct reading *reading)
{
    if (reading->nth == 0)
        return true;
    reading->out_of_memory = !gather_and_conclude(&reading->cases, reading->subject, reading->made);
    bool going = !reading->out_of_memory && reading->each(reading->nth - 1, &reading->cases, reading->arg);
    cases_done(&reading->cases);
    reading->nth = 0;
    return going;
}

static void begin(struct reading *reading, size_t nth)
{
    reading->nth = nth;
    reading->subject = reading->at = NULL;
    arena_init(&reading->cases.arena, CASES_ARENA_BYTES);
}

/* The endpoint's own rows come first, an origin's together. */
static bool add_row(struct reading *reading, const PGresult *row)
{
    struct cases *cases = &reading->cases;
    const uint64_t id = (uint64_t)db_int(row, 0, "endpoint_id"),
                   subject_id = (uint64_t)reading->keys[reading->nth - 1].endpoint_id;
    if (reading->at == NULL || reading->at->id != id)
        reading->at = read_endpoint(&cases->arena, row);
    if (reading->at == NULL)
        return false;
    if (id == subject_id)
        reading->subject = reading->at;
    struct attempt *attempt = cases->attempt_count < CASES_MAX_ATTEMPTS ? evidence_read(row, 0) : NULL;
    if (attempt == NULL)
        return true;
    reading->made[cases->attempt_count] =
        (struct case_attempt){attempt, id == subject_id ? NULL : reading->at};
    cases->attempts[cases->attempt_count++] = attempt;
    return true;
}

static bool take_row(const PGresult *row, void *arg)
{
    struct reading *reading = arg;
    long long nth = db_int(row, 0, "nth");
    if (nth < 1 || (size_t)nth > reading->count)
        return true;
    if ((size_t)nth != reading->nth) {
        if (!finish(reading))
            return false;
        begin(reading, (size_t)nth);
    }
    reading->out_of_memory = !add_row(reading, row);
    return !reading->out_of_memory;
}

/* --- asking ----------------------------------------------------------------------------------------------------------------- */

enum { KEY_ROUND, KEY_ENDPOINT, KEY_VANTAGE, KEY_PARTS };

/* As arrays, freed by the caller. @return false without memory. */
static bool write_keys(const struct case_key *keys, size_t count, char *ret_arrays[KEY_PARTS])
{
    struct buf parts[KEY_PARTS];
    bool written = true;
    for (int i = 0; i < KEY_PARTS; i++)
        array_begin(&parts[i]);
    for (size_t i = 0; i < count; i++) {
        (void)array_number(&parts[KEY_ROUND], keys[i].round_id);
        (void)array_number(&parts[KEY_ENDPOINT], keys[i].endpoint_id);
        (void)array_number(&parts[KEY_VANTAGE], keys[i].vantage_id);
    }
    for (int i = 0; i < KEY_PARTS; i++) {
        ret_arrays[i] = array_take(&parts[i]);
        written = written && ret_arrays[i] != NULL;
    }
    return written;
}

static bool stream(struct db *db, struct reading *reading, char *const arrays[KEY_PARTS])
{
    char most[CASES_NUMBER_BYTES];
    const char *rounds = arrays[KEY_ROUND];
    PGresult *span = db_query(db, STATEMENT_case_span, &rounds, 1);
    if (span == NULL || db_null(span, 0, "since")) {
        bool none = span != NULL;
        PQclear(span);
        return none;
    }
    (void)snprintf(most, sizeof most, "%d", CASES_MAX_ATTEMPTS);
    const char *values[] = {rounds, arrays[KEY_ENDPOINT],      arrays[KEY_VANTAGE],
                            most,   db_text(span, 0, "since"), db_text(span, 0, "until")};
    bool read =
        db_stream(db, STATEMENT_case_attempts, values, sizeof values / sizeof values[0], take_row, reading) &&
        finish(reading);
    PQclear(span);
    cases_done(&reading->cases);
    return read;
}

bool cases_read(struct db *db, const struct case_key *keys, size_t count, cases_fn *each, void *arg)
{
    struct reading reading = {.keys = keys, .count = count, .each = each, .arg = arg};
    char *arrays[KEY_PARTS];
    reading.out_of_memory = !write_keys(keys, count, arrays);
    bool read = count == 0 || (!reading.out_of_memory && stream(db, &reading, arrays));
    for (int i = 0; i < KEY_PARTS; i++)
        free(arrays[i]);
    if (reading.out_of_memory)
        cli_error(_("out of memory"));
    return read;
}

static bool take_cases(size_t index, struct cases *cases, void *arg)
{
    struct cases *taken = arg;
    (void)index;
    *taken = *cases;
    *cases = (struct cases){0};
    return true;
}

bool cases_of_incident(struct db *db, const char *incident, struct cases *ret_cases)
{
    *ret_cases = (struct cases){0};
    PGresult *found = db_query(db, STATEMENT_explain_case, &incident, 1);
    if (found == NULL || PQntuples(found) == 0) {
        bool none = found != NULL;
        PQclear(found);
        return none;
    }
    const struct case_failure failure = {db_int(found, 0, "endpoint_id"),
                                         (enum outcome_class)db_int(found, 0, "class")};
    const struct case_bounds bounds = {.round_id = db_text(found, 0, "round_id")};
    PGresult *rounds = case_rounds(db, STATEMENT_case_rounds, &failure, 1, &bounds);
    bool read = rounds != NULL;
    if (read) {
        int64_t vantage_id = db_int(found, 0, "vantage_id"), last = db_int(found, 0, "round_id");
        const struct case_key key = {case_round_of(rounds, &failure, vantage_id, last), failure.endpoint_id,
                                     vantage_id};
        read = cases_read(db, &key, 1, take_cases, ret_cases);
    }
    PQclear(rounds);
    PQclear(found);
    return read;
}
