#ifndef PARALLAX_COLLECTOR_STORE_EVIDENCE_H
#define PARALLAX_COLLECTOR_STORE_EVIDENCE_H

#include "words/evidence.h"

#include <libpq-fe.h>

/** The attempt in a row's column "evidence". @return NULL when the bytes are none, or without memory; attempt_free it. */
struct attempt *evidence_read(const PGresult *rows, int row);

#endif
