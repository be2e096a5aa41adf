#ifndef PARALLAX_COLLECTOR_STORE_ARRAY_H
#define PARALLAX_COLLECTOR_STORE_ARRAY_H

#include "words/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PostgreSQL's text form of arrays, as parameters of statements. A failed append shows in array_take. */

void array_begin(struct buf *array);
bool array_number(struct buf *array, int64_t number);
bool array_bytes(struct buf *array, const uint8_t *bytes, size_t length);
bool array_text(struct buf *array, const char *text);

/** Ends it. @return the text, freed by the caller; NULL without memory. */
char *array_take(struct buf *array);

#endif
