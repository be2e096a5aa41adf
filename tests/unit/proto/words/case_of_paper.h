#ifndef PARALLAX_TESTS_CASE_OF_PAPER_H
#define PARALLAX_TESTS_CASE_OF_PAPER_H

#include "cmocka_all.h"

#include "words/cause.h"

#include <string.h>

/* A case made by hand: attempts with what their evidence would say, and the conclusion. */

#define PAPER_NOW_S INT64_C(1800000000)

struct paper {
    struct endpoint endpoint;
    struct case_file file;
    struct attempt *attempts[CASE_MAX_ATTEMPTS];
    struct arena arena;
    struct conclusion conclusion;
};

static inline struct attempt *paper_add(struct paper *paper, enum variant variant, struct outcome outcome)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->variant = variant;
    attempt->tls.sni = variant == VARIANT_NO_SNI ? "" : endpoint_sni(&paper->endpoint);
    if (outcome_is_ok(outcome) || outcome.stage > OUTCOME_STAGE_TLS)
        attempt->clock.handshake_us = 2000;
    paper->attempts[paper->file.count] = attempt;
    paper->file.attempts[paper->file.count] = attempt;
    paper->file.outcomes[paper->file.count++] = outcome;
    return attempt;
}

static inline struct attempt *paper_begin(struct paper *paper, struct outcome first)
{
    *paper = (struct paper){.endpoint = {.site = "", .host = "www.a.example", .port = 443, .sni = ""}};
    paper->file.endpoint = &paper->endpoint;
    paper->file.now_us = PAPER_NOW_S * 1000000;
    arena_init(&paper->arena, 64 * 1024);
    return paper_add(paper, VARIANT_NORMAL, first);
}

static inline enum cause paper_conclude(struct paper *paper)
{
    assert_true(conclude(&paper->file, &paper->arena, &paper->conclusion));
    return paper->conclusion.cause;
}

static inline const char *paper_fact(const struct paper *paper, const char *key)
{
    for (size_t i = 0; i < paper->conclusion.fact_count; i++) {
        if (strcmp(paper->conclusion.facts[i].key, key) == 0)
            return paper->conclusion.facts[i].value;
    }
    return NULL;
}

static inline bool paper_also(const struct paper *paper, enum cause cause)
{
    for (size_t i = 0; i < paper->conclusion.also_count; i++) {
        if (paper->conclusion.also[i] == cause)
            return true;
    }
    return false;
}

static inline bool paper_ruled_out(const struct paper *paper, enum cause cause, enum variant by)
{
    for (size_t i = 0; i < paper->conclusion.ruled_count; i++) {
        if (paper->conclusion.ruled[i].cause == cause && paper->conclusion.ruled[i].by == by)
            return true;
    }
    return false;
}

static inline void paper_done(struct paper *paper)
{
    for (size_t i = 0; i < paper->file.count; i++)
        attempt_free(paper->attempts[i]);
    arena_done(&paper->arena);
}

#endif
