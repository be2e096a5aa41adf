#include "outlet/alert.h"

#include "cli/i18n.h"
#include "diff/watch.h"
#include "report/incidents.h"
#include "report/rows.h"
#include "words/attempt_json.h"
#include "words/units.h"

#include <inttypes.h>

enum { ALERT_SAMPLE_ASN = 64496 };

static json_t *link_json(const json_t *incident, const char *public_url)
{
    return json_sprintf("%s#incident-%" PRId64, public_url,
                        (int64_t)json_integer_value(json_object_get(incident, "id")));
}

/* What to do; where there is nothing to say, which command says more. */
static json_t *remedy_json(const json_t *incident)
{
    json_t *remedy = json_object_get(incident, "remedy");
    return json_is_string(remedy)
               ? json_incref(remedy)
               : json_sprintf(_("see: parallax-collector report explain %lld"),
                              (long long)json_integer_value(json_object_get(incident, "id")));
}

/* An empty label is no label to Alertmanager. */
static void set_label(struct writer *writer, json_t *labels, const char *name, const char *value)
{
    if (value[0] != '\0')
        set(writer, labels, name, json_string(value));
}

static void set_number_label(struct writer *writer, json_t *labels, const char *name, const json_t *number)
{
    if (json_is_integer(number))
        set(writer, labels, name, json_sprintf("%lld", (long long)json_integer_value(number)));
}

static void set_site_label(struct writer *writer, json_t *labels, const json_t *sites)
{
    const json_t *site;
    size_t index;
    struct buf names;
    buf_init(&names, 0);
    json_array_foreach(sites, index, site)
    {
        if (!buf_printf(&names, "%s%s", index == 0 ? "" : ", ", json_string_value(site)))
            writer->failed = true;
    }
    if (names.len > 0)
        set_label(writer, labels, "site", (const char *)names.data);
    buf_done(&names);
}

static const char *alert_name(const json_t *incident)
{
    enum incident_kind kind = INCIDENT_FAILS;
    (void)incident_kind_from_name(json_text_at(incident, "kind"), &kind);
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

json_t *alert_labels(const json_t *incident)
{
    struct writer writer = {false};
    json_t *labels = json_object();
    const json_t *place = json_object_get(incident, "place");
    set(&writer, labels, "alertname", json_string(alert_name(incident)));
    set(&writer, labels, "severity", json_string(json_text_at(incident, "severity")));
    set_number_label(&writer, labels, "incident", json_object_get(incident, "id"));
    set_label(&writer, labels, "place", json_text_at(place, "kind"));
    set_site_label(&writer, labels, json_object_get(incident, "sites"));
    set_label(&writer, labels, "region", json_text_at(place, "region"));
    set_number_label(&writer, labels, "asn", json_object_get(place, "asn"));
    set_label(&writer, labels, "vantage", json_text_at(place, "vantage"));
    set_label(&writer, labels, "cause", json_text_at(incident, "cause"));
    set_label(&writer, labels, "outcome", json_text_at(json_object_get(incident, "outcome"), "class"));
    return finish(&writer, labels);
}

json_t *alert_json(const json_t *incident, const json_t *labels, const char *public_url, int64_t now_us)
{
    struct writer writer = {false};
    char ends[UNITS_TIME_BYTES];
    json_t *alert = json_object(), *annotations = json_object();
    const char *closed = json_text_at(incident, "closed_at");
    set(&writer, annotations, "summary", json_string(json_text_at(incident, "summary")));
    set(&writer, annotations, "remedy", remedy_json(incident));
    set(&writer, annotations, "confidence",
        json_sprintf("%.2f", json_number_value(json_object_get(incident, "confidence"))));
    set(&writer, alert, "labels", json_deep_copy(labels));
    set(&writer, alert, "annotations", annotations);
    set(&writer, alert, "startsAt", json_string(json_text_at(incident, "opened_at")));
    set(&writer, alert, "endsAt",
        json_string(closed[0] == '\0' ? time_rfc3339(now_us + 4 * ALERT_RESEND_S * US_PER_S, 0, ends)
                                      : closed));
    if (public_url != NULL)
        set(&writer, alert, "generatorURL", link_json(incident, public_url));
    return finish(&writer, alert);
}

json_t *event_json(const struct alert_event *event, const json_t *incident, const char *public_url)
{
    struct writer writer = {false};
    json_t *root = json_object();
    set(&writer, root, "schema", json_integer(ALERT_SCHEMA));
    set(&writer, root, "id", json_integer(event->id));
    set(&writer, root, "change", json_string(incident_change_name(event->change)));
    set(&writer, root, "at", json_string(event->at));
    set(&writer, root, "round_id", event->round_id == 0 ? json_null() : json_integer(event->round_id));
    set(&writer, root, "confidence", json_real(event->confidence));
    set(&writer, root, "summary", json_string(json_text_at(incident, "summary")));
    set(&writer, root, "remedy", remedy_json(incident));
    if (public_url != NULL)
        set(&writer, root, "url", link_json(incident, public_url));
    set(&writer, root, "incident", json_deep_copy(incident));
    return finish(&writer, root);
}

json_t *alert_sample(int64_t now_us)
{
    struct writer writer = {false};
    char now[UNITS_TIME_BYTES];
    json_t *incident =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:n, s:{s:s, s:I}, s:n, s:f, s:[s], s:[{s:s, s:s, s:i}]}", "id",
                  0, "key", "test", "kind", incident_kind_name(INCIDENT_FAILS), "state", "open", "opened_at",
                  time_rfc3339(now_us, 0, now), "closed_at", "place", "kind", place_kind_name(PLACE_ASN),
                  "asn", (json_int_t)ALERT_SAMPLE_ASN, "cause", "confidence", 1.0, "sites", "test",
                  "endpoints", "site", "test", "host", "test.invalid", "port", 443);
    if (incident == NULL)
        return NULL;
    set(&writer, incident, "outcome", rows_outcome_json(outcome_make(OUTCOME_HELLO_RESET, RAW_NONE, 0)));
    incident_set_words(&writer, incident);
    return finish(&writer, incident);
}
