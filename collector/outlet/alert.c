#include "outlet/alert.h"

#include "cli/i18n.h"
#include "words/json_writer.h"
#include "words/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text made by one of told.h's writers, as JSON; the database gives valid UTF-8 only. */
static json_t *text_json(bool (*write)(const struct told *told, struct buf *out), const struct told *told)
{
    struct buf text;
    buf_init(&text, 0);
    json_t *json = write(told, &text) ? json_stringn((const char *)text.data, text.len) : NULL;
    buf_done(&text);
    return json;
}

static json_t *link_json(const struct told *told, const char *public_url)
{
    return json_sprintf("%s#incident-%" PRId64, public_url, told->id);
}

static void set_if(struct writer *writer, json_t *object, const char *key, const char *value)
{
    if (value[0] != '\0')
        set(writer, object, key, json_string(value));
}

static const char *alert_name(enum incident_kind kind)
{
    switch (kind) {
    case INCIDENT_FAILS:
        return "ParallaxFails";
    case INCIDENT_DIFFERS:
        return "ParallaxDiffers";
    case INCIDENT_VANTAGE_ASIDE:
        return "ParallaxVantageAside";
    case INCIDENT_EXPIRES:
        return "ParallaxCertificateExpires";
    }
    return "ParallaxIncident";
}

/* An empty label is no label to Alertmanager. */
json_t *alert_labels(const struct told *told)
{
    struct writer writer = {false};
    json_t *labels = json_object();
    char asn[24] = "", id[24];
    (void)snprintf(id, sizeof id, "%" PRId64, told->id);
    if (told->asn != 0)
        (void)snprintf(asn, sizeof asn, "%" PRId64, told->asn);
    set(&writer, labels, "alertname", json_string(alert_name(told->kind)));
    set(&writer, labels, "severity", json_string(told_severity(told)));
    set(&writer, labels, "incident", json_string(id));
    set(&writer, labels, "place", json_string(place_kind_name((int)told->place)));
    set_if(&writer, labels, "site", told->sites);
    set_if(&writer, labels, "region", told->region);
    set_if(&writer, labels, "asn", asn);
    set_if(&writer, labels, "vantage", told->vantage);
    set_if(&writer, labels, "cause", told->cause);
    if (told->kind == INCIDENT_FAILS)
        set(&writer, labels, "outcome", json_string(outcome_class_id(told->outcome.class)));
    return finish(&writer, labels);
}

json_t *alert_json(const struct told *told, const json_t *labels, const char *public_url, int64_t now_us)
{
    struct writer writer = {false};
    char ends[UNITS_TIME_BYTES];
    json_t *alert = json_object(), *annotations = json_object();
    bool open = told->closed[0] == '\0';
    set(&writer, annotations, "summary", text_json(told_summary, told));
    set(&writer, annotations, "remedy", text_json(told_remedy, told));
    set(&writer, annotations, "confidence", json_sprintf("%.2f", told->confidence));
    set(&writer, alert, "labels", json_deep_copy(labels));
    set(&writer, alert, "annotations", annotations);
    set(&writer, alert, "startsAt", json_string(told->opened));
    set(&writer, alert, "endsAt",
        json_string(open ? time_rfc3339(now_us + 4 * ALERT_RESEND_S * US_PER_S, 0, ends) : told->closed));
    if (public_url != NULL)
        set(&writer, alert, "generatorURL", link_json(told, public_url));
    return finish(&writer, alert);
}

static json_t *incident_json(const struct told *told)
{
    struct writer writer = {false};
    json_t *incident = json_object();
    set(&writer, incident, "id", json_integer(told->id));
    set(&writer, incident, "key", json_string(told->key));
    set(&writer, incident, "kind", json_string(incident_kind_name((int)told->kind)));
    set(&writer, incident, "place", json_string(place_kind_name((int)told->place)));
    set(&writer, incident, "severity", json_string(told_severity(told)));
    set(&writer, incident, "sites", json_string(told->sites));
    set(&writer, incident, "endpoints", json_integer(told->endpoints));
    set_if(&writer, incident, "region", told->region);
    if (told->asn != 0)
        set(&writer, incident, "asn", json_integer(told->asn));
    set_if(&writer, incident, "vantage", told->vantage);
    set_if(&writer, incident, "edge", told->edge);
    set_if(&writer, incident, "pop", told->pop);
    set_if(&writer, incident, "address", told->address);
    set(&writer, incident, "outcome", json_string(outcome_class_id(told->outcome.class)));
    set_if(&writer, incident, "cause", told->cause);
    set(&writer, incident, "confirmed", json_boolean(told->confirmed));
    set(&writer, incident, "confidence", json_real(told->confidence));
    set(&writer, incident, "rounds_failed", json_integer(told->rounds_failed));
    set(&writer, incident, "rounds", json_integer(told->rounds));
    set(&writer, incident, "flapping", json_boolean(told->flapping));
    set(&writer, incident, "opened_at", json_string(told->opened));
    set(&writer, incident, "closed_at", told->closed[0] == '\0' ? json_null() : json_string(told->closed));
    return finish(&writer, incident);
}

json_t *event_json(const struct told_event *event, const struct told *told, const char *public_url)
{
    struct writer writer = {false};
    json_t *root = json_object();
    set(&writer, root, "schema", json_integer(ALERT_SCHEMA));
    set(&writer, root, "id", json_integer(event->id));
    set(&writer, root, "change", json_string(incident_change_name(event->change)));
    set(&writer, root, "at", json_string(event->at));
    set(&writer, root, "round_id", event->round_id == 0 ? json_null() : json_integer(event->round_id));
    set(&writer, root, "confidence", json_real(event->confidence));
    set(&writer, root, "summary", text_json(told_summary, told));
    set(&writer, root, "remedy", text_json(told_remedy, told));
    if (public_url != NULL)
        set(&writer, root, "url", link_json(told, public_url));
    set(&writer, root, "incident", incident_json(told));
    return finish(&writer, root);
}

struct told alert_sample(void)
{
    return (struct told){.kind = INCIDENT_FAILS,
                         .place = PLACE_ASN,
                         .key = "test",
                         .opened = "2026-01-01T00:00:00Z",
                         .closed = "",
                         .region = "",
                         .asn = 64496,
                         .vantage = "",
                         .edge = "",
                         .pop = "",
                         .address = "",
                         .outcome = outcome_make(OUTCOME_HELLO_RESET, RAW_NONE, 0),
                         .cause = "",
                         .confidence = 1,
                         .aspect = "",
                         .value = "",
                         .other_value = "",
                         .not_after = "",
                         .endpoints = 1,
                         .sites = "test",
                         .host = "test.invalid",
                         .port = 443,
                         .endpoint_address = "",
                         .alert_labels = ""};
}
