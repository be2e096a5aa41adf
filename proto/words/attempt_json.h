#ifndef PARALLAX_WORDS_ATTEMPT_JSON_H
#define PARALLAX_WORDS_ATTEMPT_JSON_H

#include "words/buf.h"
#include "words/evidence.h"
#include "words/outcome.h"

#include <jansson.h>

enum { ATTEMPT_JSON_SCHEMA = 1 };

/**
 * Appends one attempt as JSON, in one line without its end, documented in docs/JSON.md. Numbers keep their names beside them;
 * durations end in _us; times are RFC 3339 UTC. Bytes of strangers that are not valid UTF-8 appear escaped, so the result is
 * always valid JSON.
 * @param endpoint  may be NULL.
 * @return false without memory; `buf` is then as it was.
 */
bool attempt_json_write(struct buf *buf, const struct attempt *attempt, const struct endpoint *endpoint,
                        struct outcome outcome);

/** The same as a tree. @return a new reference, or NULL without memory. */
json_t *attempt_json(const struct attempt *attempt, const struct endpoint *endpoint, struct outcome outcome);

/** A JSON string from any bytes: valid UTF-8 as it is, the rest as \xNN. New reference, NULL without memory.
 */
json_t *json_text(const char *text);

/** The text under a key, "" when there is none. Borrowed. */
const char *json_text_at(const json_t *object, const char *key);

#endif
