#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/kinds.h"
#include "report/label.h"
#include "report/latency_places.h"
#include "words/attempt_json.h"
#include "words/json_writer.h"
#include "words/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * `report latency`: how long each stage takes for each endpoint from each region and from each network of a region that
 * has several; held against the other regions, or the other networks of the same region, and an edge against its origin.
 */

enum { PERIODS_WANTED = 120, STAGES = 4, HOUR_S = 3600, HALF_DAY_S = 43200 };

/* Slower is worth the first line when the whole interval is above this, and the medians are so far apart. */
static const double WORTH_TIMES = 1.5;
static const double WORTH_US = 10000;

static const char *const stage_names[STAGES] = {"dns", "tcp", "tls", "http"};

static const struct rows_field latency_fields[] = {
    {"site", N_("SITE"), ROWS_TEXT, NULL, NULL},
    {"endpoint_role", N_("ROLE"), ROWS_ROLE, NULL, NULL},
    {"host", N_("ENDPOINT"), ROWS_ENDPOINT, NULL, NULL},
    {"port", NULL, ROWS_INT, NULL, NULL},
    {"address", NULL, ROWS_TEXT, NULL, NULL},
    {"stage", N_("STAGE"), ROWS_WORD, NULL, NULL},
    {"region", N_("REGION"), ROWS_TEXT, NULL, NULL},
    {"network", N_("NETWORK"), ROWS_TEXT, NULL, NULL},
    {"count", N_("COUNT"), ROWS_INT, NULL, NULL},
    {"p50_us", N_("p50"), ROWS_US, NULL, NULL},
    {"p90_us", N_("p90"), ROWS_US, NULL, NULL},
    {"p99_us", N_("p99"), ROWS_US, NULL, NULL},
    {"others_times", N_("AGAINST THE OTHERS"), ROWS_TIMES, NULL, NULL},
    {"others_low", NULL, ROWS_SHARE, NULL, NULL},
    {"others_high", NULL, ROWS_SHARE, NULL, NULL},
    {"others_p50_us", NULL, ROWS_US, NULL, NULL},
    {"origin_times", N_("AGAINST THE ORIGIN"), ROWS_TIMES, NULL, NULL},
    {"origin_low", NULL, ROWS_SHARE, NULL, NULL},
    {"origin_high", NULL, ROWS_SHARE, NULL, NULL},
    {"origin_p50_us", NULL, ROWS_US, NULL, NULL},
    {NULL, NULL, ROWS_TEXT, NULL, NULL},
};

/* Is it one of the places that this one is held against? */
static bool is_peer(const struct place *place, const struct place *other)
{
    if (other == place || other->endpoint_id != place->endpoint_id || other->stage != place->stage ||
        other->whole_region != place->whole_region)
        return false;
    return place->whole_region || strcmp(other->region, place->region) == 0;
}

static bool is_origin_of(const struct place *edge, const struct place *other)
{
    return edge->role == ROLE_EDGE && other->role == ROLE_ORIGIN && other->stage == edge->stage &&
           other->whole_region == edge->whole_region && other->asn == edge->asn &&
           strcmp(other->region, edge->region) == 0 && strcmp(other->site, edge->site) == 0 &&
           strcmp(other->sni, edge->sni) == 0;
}

typedef bool belongs(const struct place *place, const struct place *other);

/* Those that may have to do with this one are of its site, and lie beside it: where they begin, and end. */
static size_t site_of(const struct places *places, size_t own, size_t *ret_end)
{
    const char *site = places->list[own].site;
    size_t begin = own, end = own + 1;
    while (begin > 0 && strcmp(places->list[begin - 1].site, site) == 0)
        begin--;
    while (end < places->count && strcmp(places->list[end].site, site) == 0)
        end++;
    *ret_end = end;
    return begin;
}

/* What the places that belong to this one's other side do together, period by period; its count is 0 when there are none. */
static struct latency_series other_side(const struct places *places, size_t own, belongs *chosen,
                                        struct latency_point points[LATENCY_MAX_PERIODS])
{
    struct latency_series pooled = {.points = points};
    size_t count = 0, end, i = site_of(places, own, &end);
    struct latency_series *list = calloc(end - i, sizeof *list);
    for (; list != NULL && i < end; i++) {
        if (chosen(&places->list[own], &places->list[i]))
            list[count++] = places->list[i].series;
    }
    if (count > 0)
        pooled.count = latency_pool(list, count, points);
    free(list);
    return pooled;
}

static double median_of(const struct latency_series *series)
{
    double values[LATENCY_MAX_PERIODS];
    size_t count = 0;
    for (size_t i = 0; i < series->count && count < LATENCY_MAX_PERIODS; i++)
        values[count++] = series->points[i].us;
    return latency_median(values, count);
}

static void set_key(struct writer *writer, json_t *row, const char *prefix, const char *suffix, json_t *value)
{
    char key[32];
    (void)snprintf(key, sizeof key, "%s_%s", prefix, suffix);
    set(writer, row, key, value);
}

/* Adds PREFIX_times, _low, _high and _p50_us; all null when it cannot be said. */
static void set_effect(struct writer *writer, json_t *row, const char *prefix, const struct places *places,
                       size_t own, belongs *chosen)
{
    struct latency_point points[LATENCY_MAX_PERIODS];
    struct latency_series there = other_side(places, own, chosen, points);
    struct latency_effect effect;
    bool said = latency_compare(&places->list[own].series, &there, &effect);
    set_key(writer, row, prefix, "times", said ? json_real(effect.times) : json_null());
    set_key(writer, row, prefix, "low", said ? json_real(effect.low) : json_null());
    set_key(writer, row, prefix, "high", said ? json_real(effect.high) : json_null());
    set_key(writer, row, prefix, "p50_us",
            there.count > 0 ? json_integer((json_int_t)llround(median_of(&there))) : json_null());
}

static json_t *network_json(const struct place *place)
{
    char label[LABEL_BYTES];
    return place->whole_region ? json_null() : json_string(asn_label(place->asn, label));
}

static json_t *place_json(const struct places *places, size_t own)
{
    struct writer writer = {.failed = false};
    const struct place *place = &places->list[own];
    json_t *row = json_object();
    set(&writer, row, "endpoint_id", json_integer(place->endpoint_id));
    set(&writer, row, "site", json_text(place->site));
    set(&writer, row, "endpoint_role", json_string(endpoint_role_name((int)place->role)));
    set(&writer, row, "host", json_text(place->host));
    set(&writer, row, "port", json_integer(place->port));
    set(&writer, row, "address", json_text(place->address));
    set(&writer, row, "stage",
        json_string(place->stage >= 0 && place->stage < STAGES ? stage_names[place->stage] : "?"));
    set(&writer, row, "region", json_text(place->region));
    set(&writer, row, "network", network_json(place));
    set(&writer, row, "count", json_integer(place->count));
    set(&writer, row, "periods", json_integer((json_int_t)place->series.count));
    set(&writer, row, "p50_us", json_integer(place->quantile_us[0]));
    set(&writer, row, "p90_us", json_integer(place->quantile_us[1]));
    set(&writer, row, "p99_us", json_integer(place->quantile_us[2]));
    set_effect(&writer, row, "others", places, own, is_peer);
    set_effect(&writer, row, "origin", places, own, is_origin_of);
    return finish(&writer, row);
}

/* A network that is all of its region says nothing that the region does not. */
static bool is_worth_a_row(const struct places *places, size_t own)
{
    if (places->list[own].whole_region)
        return true;
    size_t end, i = site_of(places, own, &end);
    while (i < end && !is_peer(&places->list[own], &places->list[i]))
        i++;
    return i < end;
}

/* The most striking difference of this prefix: how many times as long, 0 when it is not worth a line. */
static double striking(const json_t *row, const char *prefix)
{
    char times[32], low[32], p50[32];
    (void)snprintf(times, sizeof times, "%s_times", prefix);
    (void)snprintf(low, sizeof low, "%s_low", prefix);
    (void)snprintf(p50, sizeof p50, "%s_p50_us", prefix);
    double apart =
        json_number_value(json_object_get(row, "p50_us")) - json_number_value(json_object_get(row, p50));
    bool worth = json_number_value(json_object_get(row, low)) >= WORTH_TIMES && apart >= WORTH_US;
    return worth ? json_number_value(json_object_get(row, times)) : 0;
}

double latency_striking(const json_t *row)
{
    return fmax(striking(row, "others"), striking(row, "origin"));
}

/* "tls of www.shop.example:443 takes 3.1x as long from cn AS4837 as from the others (118 ms, 38 ms; 95 % 2.9-3.3x)" */
static bool say_worst(struct document *document, const json_t *row, bool against_origin, size_t places)
{
    static const struct rows_field host = {"host", "", ROWS_ENDPOINT, NULL, NULL};
    const char *prefix = against_origin ? "origin" : "others", *network;
    char here[UNITS_SPAN_BYTES], there[UNITS_SPAN_BYTES], key[3][32];
    static const char *const suffixes[] = {"low", "high", "p50_us"};
    for (size_t i = 0; i < 3; i++)
        (void)snprintf(key[i], sizeof key[i], "%s_%s", prefix, suffixes[i]);
    struct buf endpoint;
    buf_init(&endpoint, 0);
    rows_say(&endpoint, row, &host);
    network = json_string_value(json_object_get(row, "network"));
    bool done =
        endpoint.len > 0 &&
        document_answer(document,
                        against_origin
                            ? _("%s of %s takes %.1f times as long as at its origin from %s%s%s (%s, %s; "
                                "95 %% interval %.1f-%.1f); %zu places compared")
                            : _("%s of %s takes %.1f times as long as elsewhere from %s%s%s (%s, %s; 95 "
                                "%% interval %.1f-%.1f); %zu places compared"),
                        _(json_string_value(json_object_get(row, "stage"))), (const char *)endpoint.data,
                        striking(row, prefix), json_string_value(json_object_get(row, "region")),
                        network == NULL ? "" : " ", network == NULL ? "" : network,
                        span_text(json_integer_value(json_object_get(row, "p50_us")), here),
                        span_text(json_integer_value(json_object_get(row, key[2])), there),
                        json_number_value(json_object_get(row, key[0])),
                        json_number_value(json_object_get(row, key[1])), places);
    buf_done(&endpoint);
    return done;
}

static bool make_answer(struct document *document)
{
    const json_t *worst = NULL;
    double most = 0;
    bool against_origin = false;
    size_t count = json_array_size(document->rows);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(document->rows, i);
        double others = striking(row, "others"), origin = striking(row, "origin");
        if (latency_striking(row) > most) {
            most = latency_striking(row);
            against_origin = origin > others;
            worst = row;
        }
    }
    if (worst != NULL)
        return say_worst(document, worst, against_origin, count);
    return document_answer(document, _("no place is slower than the others by half or more; %zu compared"),
                           count);
}

/*
 * A length in seconds that leaves about PERIODS_WANTED of them in the window. What is read as counts comes by ten minutes, or by the
 * hour where the window is long enough for that.
 */
static int64_t period_s(const struct window *window)
{
    int64_t until_us = window->until_us != 0 ? window->until_us : (int64_t)time(NULL) * US_PER_S;
    int64_t span_s = (until_us - window->since_us) / US_PER_S, seconds = span_s / PERIODS_WANTED;
    if (window_is_rolled(window)) {
        int64_t hours = (seconds + HOUR_S - 1) / HOUR_S;
        return span_s <= HALF_DAY_S ? WINDOW_BUCKET_S : hours < 1 ? HOUR_S : hours * HOUR_S;
    }
    return seconds < 1 ? 1 : seconds;
}

bool make_latency(struct report *report, struct document *document)
{
    struct writer writer = {.failed = false};
    struct places places;
    if (!report_begin(report, "latency", document))
        return false;
    if (!places_read(report->db, &report->window, period_s(&report->window), &places)) {
        places_done(&places);
        return false;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < places.count; i++) {
        if (is_worth_a_row(&places, i))
            add(&writer, list, place_json(&places, i));
    }
    bool done = document_rows(document, finish(&writer, list), latency_fields) && make_answer(document);
    if (!done)
        cli_error(_("out of memory"));
    places_done(&places);
    return done;
}
