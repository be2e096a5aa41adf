#ifndef PARALLAX_TESTS_FUZZ_H
#define PARALLAX_TESTS_FUZZ_H

#include "words/cause.h"
#include "words/cursor.h"
#include "words/evidence.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the fuzzed targets of this folder share. Each target is one file with LLVMFuzzerTestOneInput; run.sh runs them. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/** A property that must hold whatever the input is. */
#define REQUIRE(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_broken(const char *file, int line, const char *what);

/**
 * From now on what the program says on stderr is not shown but checked: whatever of the input is in it was made safe to
 * print. (The fuzzer itself keeps the stream it began with.)
 */
void fuzz_listen(void);

/** Requires valid UTF-8 without control characters: what text_safe lets through. */
void fuzz_printable(const char *text, size_t length);

/** Takes a piece of the input: two bytes of length, then at most that many. */
struct cursor fuzz_piece(struct cursor *input);

/** The input as a file, for readers that take a path; valid until the next call. Never NULL. */
const char *fuzz_file(const void *bytes, size_t length);

/** The rest of a cursor as NUL-terminated text, which the caller frees. */
char *fuzz_text(const struct cursor *rest);

/** Requires that a decoded attempt, encoded, decodes to what encodes alike. */
void fuzz_attempt_survives(const struct attempt *attempt);

/** Requires that a document can be written and read again, and gives it up. */
void fuzz_json_whole(json_t *json);

#endif
