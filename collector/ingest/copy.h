#ifndef PARALLAX_COLLECTOR_INGEST_COPY_H
#define PARALLAX_COLLECTOR_INGEST_COPY_H

#include "words/buf.h"
#include "words/message.h"
#include "words/outcome.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Rows of the attempt table in PostgreSQL's binary COPY format ("COPY" in its manual, File Formats). Pure: no
 * database. Numbers from a vantage are cut to what their column holds, texts to valid UTF-8, so that no row
 * of a stranger can make a COPY fail.
 */

/** What an attempt's row says beyond its evidence. */
struct copy_row {
    const struct attempt *attempt;
    struct bytes encoded; /* the attempt as it came; length 0: it is encoded here */
    struct outcome outcome;
    int32_t vantage_id;
    int64_t asn;         /* of the vantage now; 0: not known */
    int64_t address_asn; /* of the address that was connected to; 0: not known */
};

/** "COPY attempt (...) FROM STDIN", the columns in the order that copy_attempt writes them; freed by the
 * caller. */
char *copy_attempt_sql(void);

/** Header, rows, trailer. @return false without memory; the buffer is then of no use. */
bool copy_begin(struct buf *out);
/** A row but for its last column, which copy_chain writes: when an attempt comes, the id of its chain is not known yet. */
bool copy_attempt(struct buf *out, const struct copy_row *row);
/** @param chain_id  0: no chain */
bool copy_chain(struct buf *out, int64_t chain_id);
bool copy_end(struct buf *out);

#endif
