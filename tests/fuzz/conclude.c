#include "fuzz.h"

#include "cli/cause_say.h"
#include "words/attempt_from_json.h"
#include "words/attempt_json.h"
#include "words/classify.h"
#include "words/conclusion_json.h"
#include "words/ladder.h"
#include "words/message.h"

#include <string.h>

/*
 * All attempts of a case, as they come over the wire and out of the database, up to the verdict that people and programs
 * read. Input: one byte of flags, then attempts, each a piece: encoded, or as JSON. The same case must give the same verdict, and
 * nothing of a stranger in it may reach a terminal raw, or break a document.
 */

enum {
    MAX_ATTEMPTS = 8,
    CONCLUSION_BYTES = 64 * 1024, /* what examine.c gives it */
    FLAG_ADDRESS = 1,
    FLAG_NO_SNI = 2,
    FLAG_ORIGIN = 4,
    FLAG_LATE = 8
};

static const struct endpoint by_name = {.site = "shop", .host = "www.shop.example", .port = 443, .sni = ""};
static const struct endpoint by_address = {.site = "", .host = "192.0.2.7", .port = 8443, .sni = ""};
static const struct endpoint nameless = {
    .site = "", .host = "www.shop.example", .port = 443, .sni = "", .no_sni = true};
static const struct endpoint origin = {.site = "shop",
                                       .host = "origin.shop.example",
                                       .port = 443,
                                       .sni = "www.shop.example",
                                       .role = ROLE_ORIGIN};

static struct attempt *from_wire(const struct cursor *piece)
{
    const char *why = NULL;
    struct attempt *attempt = attempt_decode(piece->at, cursor_left(piece), &why);
    REQUIRE(attempt != NULL || why != NULL);
    return attempt;
}

static struct attempt *from_json(const struct cursor *piece)
{
    struct json_reader reader = {0};
    json_t *json = json_loadb((const char *)piece->at, cursor_left(piece), 0, NULL);
    struct json_part part = json_document(&reader, json);
    struct attempt *attempt = json == NULL ? NULL : attempt_from_json(&part);
    json_decref(json);
    return attempt;
}

static bool add_attempt(struct case_file *file, const struct cursor *piece)
{
    struct attempt *attempt =
        cursor_left(piece) > 0 && piece->at[0] == '{' ? from_json(piece) : from_wire(piece);
    if (attempt == NULL)
        return false;
    fuzz_attempt_survives(attempt);
    struct outcome outcome = classify(attempt), again = classify(attempt);
    REQUIRE(outcome.class == again.class && outcome.raw_kind == again.raw_kind && outcome.raw == again.raw);
    REQUIRE(outcome_make(outcome.class, outcome.raw_kind, outcome.raw).stage == outcome.stage);
    fuzz_json_whole(attempt_json(attempt, file->endpoint, outcome));
    file->attempts[file->count] = attempt;
    file->outcomes[file->count++] = outcome;
    return true;
}

static void read_case(struct cursor *input, struct case_file *file)
{
    unsigned flags = cursor_u8(input);
    file->endpoint = (flags & FLAG_ADDRESS) != 0  ? &by_address
                     : (flags & FLAG_NO_SNI) != 0 ? &nameless
                                                  : &by_name;
    file->expiry_days = 14;
    while (file->count < MAX_ATTEMPTS && !input->failed && cursor_left(input) > 2) {
        struct cursor piece = fuzz_piece(input);
        if (!add_attempt(file, &piece))
            break;
    }
    if (file->count > 1 && (flags & FLAG_ORIGIN) != 0)
        file->origins[file->count - 1] = &origin;
    if (file->count > 0) /* times of an attempt are bounded; those of a case follow them */
        file->now_us = file->attempts[0]->clock.start_us + ((flags & FLAG_LATE) != 0 ? INT64_C(1) << 40 : 0);
}

static void check_texts(const struct conclusion *conclusion)
{
    const struct cause_row *row = cause_row(conclusion->cause);
    struct buf out;
    buf_init(&out, 0);
    REQUIRE(row != NULL);
    cause_title(&out, row);
    cause_filled(&out, row->verdict, conclusion);
    cause_filled(&out, cause_remedy(conclusion), conclusion);
    fuzz_printable((const char *)out.data, out.len);
    buf_done(&out);
}

static json_t *verdict(const struct case_file *file)
{
    struct arena arena;
    struct conclusion conclusion;
    arena_init(&arena, CONCLUSION_BYTES);
    REQUIRE(conclude(file, &arena, &conclusion));
    REQUIRE(conclusion.fact_count <= CONCLUSION_MAX_FACTS && conclusion.ruled_count <= CONCLUSION_MAX_RULED &&
            conclusion.also_count <= CONCLUSION_MAX_ALSO);
    check_texts(&conclusion);
    fuzz_json_whole(verdict_line_json(file, &conclusion));
    fuzz_json_whole(case_json(file, &conclusion));
    json_t *json = conclusion_json(file, &conclusion);
    REQUIRE(json != NULL);
    arena_done(&arena);
    return json;
}

static void check_ladder(const struct case_file *file)
{
    const struct ladder_limits limits = {.max_attempts = LADDER_MAX_ATTEMPTS,
                                         .always = true,
                                         .may_burst = true,
                                         .may_fetch_issuer = true,
                                         .may_ask_ocsp = true,
                                         .rest_us = LADDER_REST_US,
                                         .budget_us = INT64_MAX / 2};
    struct ladder_step step;
    if (ladder_next(file, &limits, &step))
        REQUIRE(step.why != NULL && step.rest_us >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cursor input;
    struct case_file file = {0};
    cursor_init(&input, bytes, length);
    read_case(&input, &file);
    if (file.count > 0) {
        json_t *first = verdict(&file), *second = verdict(&file);
        REQUIRE(json_equal(first, second));
        json_decref(first);
        json_decref(second);
        check_ladder(&file);
    }
    for (size_t i = 0; i < file.count; i++)
        attempt_free((struct attempt *)(uintptr_t)file.attempts[i]);
    return 0;
}
