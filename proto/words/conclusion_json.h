#ifndef PARALLAX_WORDS_CONCLUSION_JSON_H
#define PARALLAX_WORDS_CONCLUSION_JSON_H

#include "words/cause.h"

#include <jansson.h>

/**
 * What was concluded, as JSON (docs/JSON.md, "verdict"): stable ids, English text and remedy with the facts filled in, and
 * the outcome of each variant that was made. Strangers' bytes that are not valid UTF-8 appear escaped.
 * @return a new reference, or NULL without memory.
 */
json_t *conclusion_json(const struct case_file *file, const struct conclusion *conclusion);

/** The line of a case in ndjson: "kind" verdict, the endpoint, the address and the verdict. New reference, or NULL. */
json_t *verdict_line_json(const struct case_file *file, const struct conclusion *conclusion);

/** One attempt of the case in full, with the endpoint it went to: the case's, or the origin behind it. New reference, or NULL. */
json_t *case_attempt_json(const struct case_file *file, size_t index);

/** A case with everything: the endpoint, the address, the verdict, and its attempts in full. New reference, or NULL. */
json_t *case_json(const struct case_file *file, const struct conclusion *conclusion);

#endif
