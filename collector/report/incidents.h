#ifndef PARALLAX_COLLECTOR_REPORT_INCIDENTS_H
#define PARALLAX_COLLECTOR_REPORT_INCIDENTS_H

#include "words/buf.h"
#include "words/cause.h"
#include "words/json_writer.h"

#include <jansson.h>
#include <libpq-fe.h>

/*
 * Incidents for people and for programs: rows of the table as JSON (docs/REPORTS.md, "Incidents"), and the words made of that
 * which everybody says: reports, the page, `watch`, alerts. Words are appended in the reader's language; strangers' bytes stay raw.
 */

/**
 * One row of sql/parts/incident.sql as an object, with "where", "what", "summary", "remedy" and "severity".
 * @return NULL without memory.
 */
json_t *incident_json(const PGresult *rows, int row);

/** Sets these five; the rest of the object is there. */
void incident_set_words(struct writer *writer, json_t *incident);

/** Where it is, and what: "AS4837 -> edge www.shop.example:443", "reset after ClientHello". */
void incident_where(struct buf *out, const json_t *incident);
void incident_what(struct buf *out, const json_t *incident);

/** Both on one line; of an object that has them. */
void incident_summary(struct buf *out, const json_t *incident);

/** "critical", "warning" or "info". */
const char *incident_severity(const json_t *incident);

/** Appends the place alone ("AS4837", "cn-2 or its path"); `place` is an object like the incident's. */
void incident_place(struct buf *out, const json_t *place);

/** Why, and what to do, by the cause and the facts that were noted; nothing where there is no cause, or a fact is missing. */
void incident_verdict(struct buf *out, const json_t *incident);
void incident_remedy(struct buf *out, const json_t *incident);
/** The same of a conclusion. */
void conclusion_verdict(struct buf *out, const struct conclusion *conclusion);
void conclusion_remedy(struct buf *out, const struct conclusion *conclusion);

/** A caveat or hint of the watch. */
void incident_remark(struct buf *out, const char *text);

#endif
