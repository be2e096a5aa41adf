#ifndef PARALLAX_COLLECTOR_REPORT_LABEL_H
#define PARALLAX_COLLECTOR_REPORT_LABEL_H

#include "cli/term.h"
#include "diff/matrix.h"

enum { LABEL_BYTES = 64 };

/**
 * A class in a few characters, stable: "RESET CH", "ALERT 40", "HTTP 502". The same in every language.
 * @return out.
 */
const char *outcome_label(struct outcome outcome, char out[LABEL_BYTES]);

/** One cell: "ok 64 ms", "ok 64 ms 58/60", "RESET CH 10/10", "-". @return out. */
const char *cell_label(const struct cell *cell, char out[LABEL_BYTES], enum term_style *ret_style);

/** "AS4837", or "AS ?" when it is unknown. @return out. */
const char *asn_label(int64_t asn, char out[LABEL_BYTES]);

/** "pass", "fail", ... for JSON and CSV. */
const char *cell_state_name(enum cell_state state);

/** Where an endpoint is, on one line: its host and port, an origin's address, an address it is pinned to. */
enum { ENDPOINT_LABEL_BYTES = 400 };
const char *endpoint_label(const struct matrix_endpoint *endpoint, char out[ENDPOINT_LABEL_BYTES]);

#endif
