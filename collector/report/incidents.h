#ifndef PARALLAX_COLLECTOR_REPORT_INCIDENTS_H
#define PARALLAX_COLLECTOR_REPORT_INCIDENTS_H

#include "words/buf.h"

#include <jansson.h>
#include <libpq-fe.h>

/* Incidents for people and for programs: rows of the table as JSON (docs/REPORTS.md, "Incidents"), and words made of that. */

/**
 * One row of incident_list or incident_one as an object, with "where" and "what" in the reader's language.
 * @return NULL without memory.
 */
json_t *incident_json(const PGresult *rows, int row);

/**
 * Appends where it is and what it is, made of the object: "AS4837 -> edge www.shop.example:443", "reset after ClientHello". Strangers'
 * bytes stay raw.
 */
void incident_where(struct buf *out, const json_t *incident);
void incident_what(struct buf *out, const json_t *incident);

/** Appends the place alone ("AS4837", "cn-2 or its path"); `place` is an object like the incident's. */
void incident_place(struct buf *out, const json_t *place);

/** Appends a caveat or hint of the watch in the reader's language. */
void incident_remark(struct buf *out, const char *text);

#endif
