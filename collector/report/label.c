#include "report/label.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct class_label {
    enum outcome_class class;
    const char *label;
    bool numbered; /* followed by the raw number */
};

static const struct class_label labels[] = {
    {OUTCOME_OK, "ok", false},
    {OUTCOME_LOCAL_POLICY, "policy", false},
    {OUTCOME_LOCAL_NO_ROUTE, "no route", false},
    {OUTCOME_LOCAL_RESOURCE, "resource", false},
    {OUTCOME_LOCAL_CANCELLED, "cancelled", false},
    {OUTCOME_LOCAL_OTHER, "local", false},
    {OUTCOME_DNS_NXDOMAIN, "NXDOMAIN", false},
    {OUTCOME_DNS_SERVFAIL, "SERVFAIL", false},
    {OUTCOME_DNS_TIMEOUT, "TIMEOUT DNS", false},
    {OUTCOME_DNS_REFUSED, "REFUSED DNS", false},
    {OUTCOME_DNS_NO_ADDRESS, "NO ADDRESS", false},
    {OUTCOME_DNS_MALFORMED, "BAD DNS", false},
    {OUTCOME_DNS_OTHER, "DNS", false},
    {OUTCOME_TCP_REFUSED, "REFUSED", false},
    {OUTCOME_TCP_TIMEOUT, "TIMEOUT", false},
    {OUTCOME_TCP_UNREACHABLE, "UNREACHABLE", false},
    {OUTCOME_TCP_OTHER, "TCP", false},
    {OUTCOME_HELLO_RESET, "RESET CH", false},
    {OUTCOME_HELLO_CLOSED, "CLOSED CH", false},
    {OUTCOME_HELLO_SILENT, "SILENT CH", false},
    {OUTCOME_HELLO_UNACKED, "NO ACK CH", false},
    {OUTCOME_HELLO_FLIGHT_LOST, "LOST FLIGHT", false},
    {OUTCOME_TLS_ALERT, "ALERT", true},
    {OUTCOME_TLS_NOT_TLS, "NOT TLS", false},
    {OUTCOME_TLS_RESET, "RESET TLS", false},
    {OUTCOME_TLS_CLOSED, "CLOSED TLS", false},
    {OUTCOME_TLS_STALLED, "STALLED TLS", false},
    {OUTCOME_TLS_OLD_VERSION, "OLD TLS", false},
    {OUTCOME_TLS_BAD_SIGNATURE, "BAD SIG", false},
    {OUTCOME_TLS_UNCLASSIFIED, "TLS", false},
    {OUTCOME_CERT_EXPIRED, "EXPIRED", false},
    {OUTCOME_CERT_NOT_YET_VALID, "NOT YET", false},
    {OUTCOME_CERT_SELF_SIGNED, "SELF-SIGNED", false},
    {OUTCOME_CERT_UNTRUSTED, "UNTRUSTED", false},
    {OUTCOME_CERT_NO_ISSUER, "NO ISSUER", false},
    {OUTCOME_CERT_NAME, "NAME", false},
    {OUTCOME_CERT_PURPOSE, "PURPOSE", false},
    {OUTCOME_CERT_WEAK_KEY, "WEAK KEY", false},
    {OUTCOME_CERT_WEAK_SIGNATURE, "WEAK SIG", false},
    {OUTCOME_CERT_REVOKED, "REVOKED", false},
    {OUTCOME_CERT_OTHER, "CERT", true},
    {OUTCOME_HTTP_RESET, "RESET HTTP", false},
    {OUTCOME_HTTP_CLOSED, "CLOSED HTTP", false},
    {OUTCOME_HTTP_SILENT, "SILENT HTTP", false},
    {OUTCOME_HTTP_MALFORMED, "NOT HTTP", false},
    {OUTCOME_HTTP_ALERT, "ALERT HTTP", true},
    {OUTCOME_HTTP_GATEWAY, "GATEWAY", true},
    {OUTCOME_HTTP_EDGE_ORIGIN, "EDGE-ORIGIN", true},
    {OUTCOME_HTTP_SERVER_ERROR, "SERVER ERR", true},
    {OUTCOME_HTTP_CLIENT_CERT, "CLIENT CERT", false},
    {OUTCOME_HTTP_OTHER, "HTTP", true},
};

const char *outcome_label(struct outcome outcome, char out[LABEL_BYTES])
{
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (labels[i].class != outcome.class)
            continue;
        if (labels[i].numbered && outcome.raw_kind != RAW_NONE)
            (void)snprintf(out, LABEL_BYTES, "%s %" PRId32, labels[i].label, outcome.raw);
        else
            (void)snprintf(out, LABEL_BYTES, "%s", labels[i].label);
        return out;
    }
    (void)snprintf(out, LABEL_BYTES, "class %d", (int)outcome.class);
    return out;
}

static const char *ok_label(const struct cell *cell, bool counted, char out[LABEL_BYTES])
{
    char count[32] = "";
    if (counted)
        (void)snprintf(count, sizeof count, " %u/%u", cell->passed, cell_valid(cell));
    if (cell->handshake_us < 0)
        (void)snprintf(out, LABEL_BYTES, "ok%s", count);
    else if (cell->handshake_us < 10000)
        (void)snprintf(out, LABEL_BYTES, "ok %.1f ms%s", (double)cell->handshake_us / 1000.0, count);
    else
        (void)snprintf(out, LABEL_BYTES, "ok %" PRId64 " ms%s", (cell->handshake_us + 500) / 1000, count);
    return out;
}

const char *cell_label(const struct cell *cell, char out[LABEL_BYTES], enum term_style *ret_style)
{
    char label[LABEL_BYTES];
    *ret_style = TERM_DIM;
    switch (cell_state(cell)) {
    case CELL_PASS:
        *ret_style = TERM_GOOD;
        return ok_label(cell, false, out);
    case CELL_AT_TIMES:
        *ret_style = TERM_WARN;
        return ok_label(cell, true, out);
    case CELL_FAIL:
        *ret_style = TERM_BAD;
        const struct tally *worst = cell_worst(cell);
        (void)snprintf(out, LABEL_BYTES, "%.40s %u/%u", outcome_label(worst->outcome, label), worst->count,
                       cell_valid(cell));
        return out;
    case CELL_LOCAL:
        return outcome_label(cell->tallies[0].outcome, out);
    case CELL_NONE:
        break;
    }
    (void)snprintf(out, LABEL_BYTES, "-");
    return out;
}

const char *asn_label(int64_t asn, char out[LABEL_BYTES])
{
    if (asn == 0)
        (void)snprintf(out, LABEL_BYTES, "AS ?");
    else
        (void)snprintf(out, LABEL_BYTES, "AS%" PRId64, asn);
    return out;
}

const char *cell_state_name(enum cell_state state)
{
    switch (state) {
    case CELL_NONE:
        return "none";
    case CELL_LOCAL:
        return "local";
    case CELL_PASS:
        return "pass";
    case CELL_AT_TIMES:
        return "fails-at-times";
    case CELL_FAIL:
        return "fail";
    }
    return "?";
}

const char *endpoint_label(const struct matrix_endpoint *endpoint, char out[ENDPOINT_LABEL_BYTES])
{
    bool pinned = endpoint->address[0] != '\0', origin = pinned && endpoint->role == ROLE_ORIGIN;
    const char *place = origin ? endpoint->address : endpoint->host;
    bool v6 = strchr(place, ':') != NULL;
    pinned = pinned && !origin && strcmp(endpoint->host, endpoint->address) != 0;
    (void)snprintf(out, ENDPOINT_LABEL_BYTES, "%s%.253s%s:%u%s%.46s", v6 ? "[" : "", place, v6 ? "]" : "",
                   endpoint->port, pinned ? "@" : "", pinned ? endpoint->address : "");
    return out;
}
