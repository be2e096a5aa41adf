#ifndef PARALLAX_COLLECTOR_OUTLET_ALERT_H
#define PARALLAX_COLLECTOR_OUTLET_ALERT_H

#include <jansson.h>
#include <stdint.h>

/* What receivers of alerts are sent, as JSON, made of incidents as report/incidents.h gives them. Pure. NULL: out of memory. */

enum { ALERT_RESEND_S = 60, ALERT_SCHEMA = 1 };

/** Labels of an incident's alert: what Alertmanager knows it by, so they are told once and kept. */
json_t *alert_labels(const json_t *incident);

/**
 * One alert, as POST /api/v2/alerts of Alertmanager takes it in an array. An open one ends in the future, four resends away,
 * so that Alertmanager resolves it by itself when nobody sends it any more; a closed one ends when it was closed.
 * @param labels  of it; borrowed. @param public_url  NULL: there is none.
 */
json_t *alert_json(const json_t *incident, const json_t *labels, const char *public_url, int64_t now_us);

struct alert_event {
    int64_t id;
    int change; /* enum incident_change */
    const char *at;
    int64_t round_id; /* 0: none */
    double confidence;
};

/** What a webhook is sent: described in docs/OPERATIONS.md. */
json_t *event_json(const struct alert_event *event, const json_t *incident, const char *public_url);

/** An incident that never was, to try a receiver with. */
json_t *alert_sample(int64_t now_us);

#endif
