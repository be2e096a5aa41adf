#ifndef PARALLAX_COLLECTOR_INGEST_CERTIFICATE_H
#define PARALLAX_COLLECTOR_INGEST_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A probed server's certificate, taken apart into the texts of the certificate table. The DER is a
 * stranger's: what cannot be read is absent, and everything is bounded.
 */

enum { CERTIFICATE_MAX_NAMES = 256, CERTIFICATE_PARAMS = 13 };

struct certificate_row {
    /* $1 to $13 of the statement certificate_store; NULL where not known. Owned by the row. */
    char *values[CERTIFICATE_PARAMS];
};

/** @return false without memory. A DER that is no certificate keeps its bytes and has no other column. */
bool certificate_row_init(struct certificate_row *row, const uint8_t *der, size_t length);
void certificate_row_done(struct certificate_row *row);

#endif
