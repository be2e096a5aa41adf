#include "report/case.h"

#include "words/classify.h"

#include <string.h>

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

/* --- what was concluded --- */

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

bool conclusion_keep(struct arena *arena, struct conclusion *conclusion)
{
    bool kept = true;
    for (size_t i = 0; kept && i < conclusion->fact_count; i++) {
        conclusion->facts[i].key = arena_string(arena, conclusion->facts[i].key);
        conclusion->facts[i].value = arena_string(arena, conclusion->facts[i].value);
        kept = conclusion->facts[i].key != NULL && conclusion->facts[i].value != NULL;
    }
    return kept;
}
