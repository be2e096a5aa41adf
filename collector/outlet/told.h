#ifndef PARALLAX_COLLECTOR_OUTLET_TOLD_H
#define PARALLAX_COLLECTOR_OUTLET_TOLD_H

#include "diff/watch.h"
#include "words/buf.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

/* An incident as people and their machines are told of it. No I/O. */

/* A row of sql/parts/told.sql. Texts are borrowed from the result; strangers wrote some of them. */
struct told {
    int64_t id;
    enum incident_kind kind;
    enum place_kind place;
    const char *key;
    const char *opened; /* RFC 3339 */
    const char *closed; /* "": it is open */
    const char *region;
    int64_t asn;
    const char *vantage;
    const char *edge;
    const char *pop;
    const char *address;
    struct outcome outcome;
    const char *cause; /* id of the catalogue; "" */
    bool confirmed;
    double confidence;
    int64_t rounds_failed, rounds;
    bool flapping;
    const char *aspect; /* DIFFERS: what differs, and how */
    const char *value;
    const char *other_value;
    const char *not_after; /* EXPIRES: RFC 3339 */
    int64_t endpoints;
    const char *sites; /* "blog, shop" */
    const char *host;  /* of the first endpoint */
    int64_t port, role;
    const char *endpoint_address;
    const char *alert_labels; /* JSON, as they were told first; "" */
};

struct told told_read(const PGresult *result, int row);

/** What is hit: "shop www.shop.example:443", "shop, 3 endpoints", "vantage hk-1". Appends. @return false without memory. */
bool told_what(const struct told *told, struct buf *out);

/** From where: "from AS4837". Translated; "" where the rest says it. */
bool told_where(const struct told *told, struct buf *out);

/** One line, translated: "shop www.shop.example:443: reset after ClientHello, from AS4837". */
bool told_summary(const struct told *told, struct buf *out);

/** What to do, translated; where there is no cause, which command says more. */
bool told_remedy(const struct told *told, struct buf *out);

/** "critical", "warning" or "info". */
const char *told_severity(const struct told *told);

#endif
