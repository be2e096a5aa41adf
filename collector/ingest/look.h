#ifndef PARALLAX_COLLECTOR_INGEST_LOOK_H
#define PARALLAX_COLLECTOR_INGEST_LOOK_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The answer of ingest_look, which has rows of several kinds: see there. */

enum look_column { LOOK_WHAT, LOOK_ID, LOOK_FIRST, LOOK_SECOND, LOOK_THIRD, LOOK_FOURTH, LOOK_HASH };

static inline bool look_is(const PGresult *result, int row, const char *what)
{
    return strcmp(PQgetvalue(result, row, LOOK_WHAT), what) == 0;
}

/** 0 for NULL. */
static inline int64_t look_number(const PGresult *result, int row, enum look_column column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

#endif
