#include "report/case.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "store/evidence.h"
#include "words/classify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CASES_ARENA_BYTES = 1 << 20, CASES_NUMBER_BYTES = 24 };

/* --- gathering ---------------------------------------------------------------------------------------------------- */

static void add(struct case_file *file, const struct case_attempt *made)
{
    if (file->count == CASE_MAX_ATTEMPTS)
        return;
    file->attempts[file->count] = made->attempt;
    file->outcomes[file->count] = classify(made->attempt);
    file->origins[file->count] = made->origin;
    file->count++;
}

static const struct address *place(const struct attempt *attempt)
{
    return &attempt->flow.destination;
}

/* Did this case ask for that attempt? */
static bool asked_for(const struct case_file *file, const struct attempt *attempt)
{
    const struct address *here = place(file->attempts[0]), *there = place(attempt);
    if (attempt->variant == VARIANT_OTHER_FAMILY)
        return here->length != there->length;
    if (attempt->variant == VARIANT_OTHER_ADDRESS)
        return here->length == there->length && !address_equal(here, there);
    return address_equal(here, there);
}

/* What went elsewhere (an issuer's host) or nowhere belongs to the case that fails. */
static struct case_file *file_of(struct case_file *files, size_t count, const struct attempt *attempt)
{
    struct case_file *failing = NULL;
    for (size_t i = 0; i < count; i++) {
        if (asked_for(&files[i], attempt))
            return &files[i];
        if (failing == NULL && outcome_is_failure(files[i].outcomes[0]))
            failing = &files[i];
    }
    return failing != NULL ? failing : files;
}

static bool opens_case(const struct case_attempt *made, const struct case_file *files, size_t count)
{
    if (made->origin != NULL || made->attempt->role != ATTEMPT_FIRST || count == CASES_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (address_equal(place(files[i].attempts[0]), place(made->attempt)))
            return false;
    }
    return true;
}

static size_t open_cases(const struct endpoint *endpoint, const struct case_attempt *attempts, size_t count,
                         struct case_file files[CASES_MAX], bool opener[CASES_MAX_ATTEMPTS])
{
    size_t opened = 0;
    for (size_t i = 0; i < count; i++) {
        opener[i] = opens_case(&attempts[i], files, opened);
        if (!opener[i])
            continue;
        files[opened] = (struct case_file){.endpoint = endpoint,
                                           .now_us = attempts[i].attempt->clock.start_us,
                                           .expiry_days = CASES_EXPIRY_DAYS};
        add(&files[opened++], &attempts[i]);
    }
    return opened;
}

static bool is_asked_of_origin(const struct attempt *attempt)
{
    return attempt->role == ATTEMPT_FIRST || attempt->variant == VARIANT_NO_SNI;
}

size_t cases_gather(const struct endpoint *endpoint, const struct case_attempt *attempts, size_t count,
                    struct case_file ret_files[CASES_MAX])
{
    bool opener[CASES_MAX_ATTEMPTS] = {false};
    memset(ret_files, 0, CASES_MAX * sizeof *ret_files);
    if (count > CASES_MAX_ATTEMPTS)
        count = CASES_MAX_ATTEMPTS;
    size_t opened = open_cases(endpoint, attempts, count, ret_files, opener);
    for (size_t i = 0; opened > 0 && i < count; i++) {
        if (attempts[i].origin == NULL && !opener[i])
            add(file_of(ret_files, opened, attempts[i].attempt), &attempts[i]);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0;
             attempts[i].origin != NULL && is_asked_of_origin(attempts[i].attempt) && j < opened; j++)
            add(&ret_files[j], &attempts[i]);
    }
    return opened;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static struct endpoint *read_endpoint(struct arena *arena, const PGresult *rows, int row)
{
    struct endpoint *endpoint = arena_take(arena, sizeof *endpoint);
    if (endpoint == NULL)
        return NULL;
    *endpoint = (struct endpoint){
        .id = (uint64_t)db_int(rows, row, "endpoint_id"),
        .site = "",
        .host = arena_string(arena, db_text(rows, row, "host")),
        .port = (uint16_t)db_int(rows, row, "port"),
        .sni = arena_string(arena, db_text(rows, row, "sni")),
        .no_sni = db_text(rows, row, "no_sni")[0] == 't',
        .role = (enum endpoint_role)db_int(rows, row, "role"),
        .starttls = (enum starttls)db_int(rows, row, "starttls"),
    };
    (void)address_parse(db_text(rows, row, "address"), &endpoint->address);
    return endpoint->host == NULL || endpoint->sni == NULL ? NULL : endpoint;
}

static bool gather_and_conclude(struct cases *cases, const struct endpoint *endpoint,
                                const struct case_attempt *made, size_t made_count)
{
    struct case_file files[CASES_MAX];
    size_t count = endpoint == NULL ? 0 : cases_gather(endpoint, made, made_count, files);
    for (size_t i = 0; i < count; i++) {
        cases->cases[i].file = files[i];
        if (!conclude(&cases->cases[i].file, &cases->arena, &cases->cases[i].conclusion))
            return false;
    }
    cases->count = count;
    return true;
}

/* The endpoint's own rows come first, an origin's together. */
static bool read_rows(struct cases *cases, const PGresult *rows, uint64_t endpoint_id)
{
    struct case_attempt made[CASES_MAX_ATTEMPTS];
    const struct endpoint *subject = NULL, *at = NULL;
    size_t count = 0;
    for (int row = 0; row < PQntuples(rows) && count < CASES_MAX_ATTEMPTS; row++) {
        if (at == NULL || at->id != (uint64_t)db_int(rows, row, "endpoint_id"))
            at = read_endpoint(&cases->arena, rows, row);
        if (at == NULL)
            return false;
        if (at->id == endpoint_id)
            subject = at;
        struct attempt *attempt = evidence_read(rows, row);
        if (attempt == NULL)
            continue;
        made[count] = (struct case_attempt){attempt, at->id == endpoint_id ? NULL : at};
        cases->attempts[count++] = attempt;
        cases->attempt_count = count;
    }
    return gather_and_conclude(cases, subject, made, count);
}

bool cases_read(struct db *db, int64_t round_id, int64_t endpoint_id, int64_t vantage_id,
                struct cases *ret_cases)
{
    char text[4][CASES_NUMBER_BYTES];
    const int64_t numbers[4] = {round_id, endpoint_id, vantage_id, CASES_MAX_ATTEMPTS};
    const char *values[6];
    *ret_cases = (struct cases){0};
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(text[i], sizeof text[i], "%" PRId64, numbers[i]);
        values[i] = text[i];
    }
    PGresult *round = db_query(db, STATEMENT_case_round, values, 1);
    if (round == NULL || PQntuples(round) == 0) {
        bool none = round != NULL;
        PQclear(round);
        return none;
    }
    values[4] = db_text(round, 0, "since");
    values[5] = db_text(round, 0, "until");
    PGresult *rows = db_query(db, STATEMENT_case_attempts, values, 6);
    PQclear(round);
    if (rows == NULL)
        return false;
    arena_init(&ret_cases->arena, CASES_ARENA_BYTES);
    bool read = read_rows(ret_cases, rows, (uint64_t)endpoint_id);
    PQclear(rows);
    if (!read) {
        cases_done(ret_cases);
        cli_error(_("out of memory"));
    }
    return read;
}

int64_t cases_round(const PGresult *rounds, int64_t vantage_id, int64_t otherwise)
{
    for (int row = 0; row < PQntuples(rounds); row++) {
        if (db_int(rounds, row, "vantage_id") == vantage_id)
            return db_int(rounds, row, "round_id");
    }
    return otherwise;
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
    const char *values[] = {db_text(found, 0, "endpoint_id"), db_text(found, 0, "class"), NULL, NULL,
                            db_text(found, 0, "round_id")};
    PGresult *rounds = db_query(db, STATEMENT_case_rounds, values, 5);
    int64_t vantage_id = db_int(found, 0, "vantage_id");
    bool read =
        rounds != NULL && cases_read(db, cases_round(rounds, vantage_id, db_int(found, 0, "round_id")),
                                     db_int(found, 0, "endpoint_id"), vantage_id, ret_cases);
    PQclear(rounds);
    PQclear(found);
    return read;
}

bool cases_revise(struct cases *cases, struct case_concluded *one, enum cause cause)
{
    struct conclusion *conclusion = &one->conclusion;
    const struct evidence_tls *tls = &one->file.attempts[0]->tls;
    bool has_issuer = false;
    if (cause == CAUSE_NONE || conclusion->cause == cause)
        return true;
    conclusion->cause = cause;
    conclusion->certainty = CERTAINTY_CONSISTENT;
    for (size_t i = 0; i < conclusion->fact_count; i++)
        has_issuer = has_issuer || strcmp(conclusion->facts[i].key, "issuer") == 0;
    return cause != CAUSE_HELLO_INTERCEPTED || has_issuer || tls->chain_count == 0 ||
           conclusion_fact(conclusion, &cases->arena, "issuer", "%s", tls->chain[0].issuer);
}

void cases_done(struct cases *cases)
{
    for (size_t i = 0; i < cases->attempt_count; i++)
        attempt_free(cases->attempts[i]);
    arena_done(&cases->arena);
    *cases = (struct cases){0};
}

const struct case_concluded *cases_find(const struct cases *cases, enum outcome_class class)
{
    for (size_t i = 0; i < cases->count; i++) {
        if (cases->cases[i].file.outcomes[0].class == class)
            return &cases->cases[i];
    }
    return NULL;
}
