#ifndef PARALLAX_COLLECTOR_REPORT_LATENCY_PLACES_H
#define PARALLAX_COLLECTOR_REPORT_LATENCY_PLACES_H

#include "diff/latency.h"
#include "report/window.h"
#include "words/arena.h"
#include "words/plan.h"

/* How long a stage takes for an endpoint from a region, or from a network of it. */

enum { PLACE_QUANTILES = 3 }; /* 0.5, 0.9, 0.99 */

struct place {
    int64_t endpoint_id;
    enum endpoint_role role;
    const char *site, *sni, *host, *address, *region;
    uint16_t port;
    int stage;
    bool whole_region;
    int64_t asn; /* of a network; 0: unknown */
    int64_t count;
    int64_t quantile_us[PLACE_QUANTILES];
    struct latency_series series; /* medians by period */
};

/** In the order of a report: those of a site are together. */
struct places {
    struct arena arena;
    size_t count;
    struct place *list;
};

/**
 * From attempts, or for long windows from histograms: within a bin of these, values are taken to lie evenly.
 * @param ret_places  places_done it, after a failure too. @return false after cli_error.
 */
bool places_read(struct db *db, const struct window *window, int64_t period_s, struct places *ret_places);
void places_done(struct places *places);

#endif
