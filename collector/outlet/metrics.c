#include "outlet/metrics.h"

#include "words/utf8.h"

#include <math.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A family keeps its series in a tree by the text of their labels, as it is printed: `vantage="hk-1",class="ok"`. Escaping
 * (OpenMetrics 1.0, "escaped-string": backslash, quote and newline) is done once, when a series is looked up; what is no UTF-8
 * becomes \xNN before that.
 */

enum metric_type { COUNTER, GAUGE, HISTOGRAM, INFO, STATESET };

struct metric_row {
    enum metric_type type;
    const char *name;
    const char *unit;
    const char *labels;
    const char *help;
};

#define METRIC_ROW(symbol, type, name, unit, labels, help) {type, name, unit, labels, help},
static const struct metric_row rows[METRIC_COUNT] = {METRICS(METRIC_ROW)};

/* Upper bounds of every histogram, in seconds: from a slot that is met to a spool that was cut off for days. */
static const double bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,  1,
                                2.5,   5,    10,    30,   60,  300,  3600, 86400};
enum { BOUNDS = sizeof bounds / sizeof bounds[0] };

struct series {
    char *labels; /* first: what the tree compares */
    double value; /* of a histogram: the sum */
    uint64_t buckets[BOUNDS + 1];
};

struct family {
    void *tree; /* of series */
    size_t count;
};

struct metrics {
    struct family families[METRIC_COUNT];
};

static struct metrics *here;

static int series_compare(const void *a, const void *b)
{
    return strcmp(((const struct series *)a)->labels, ((const struct series *)b)->labels);
}

static void series_free(void *node)
{
    struct series *series = node;
    free(series->labels);
    free(series);
}

struct metrics *metrics_new(void)
{
    return calloc(1, sizeof(struct metrics));
}

void metrics_clear(struct metrics *metrics, enum metric id)
{
    if (metrics == NULL)
        return;
    tdestroy(metrics->families[id].tree, series_free);
    metrics->families[id] = (struct family){0};
}

void metrics_free(struct metrics *metrics)
{
    for (unsigned id = 0; metrics != NULL && id < METRIC_COUNT; id++)
        metrics_clear(metrics, (enum metric)id);
    free(metrics);
}

struct metrics *metrics_here(void)
{
    if (here == NULL)
        here = metrics_new();
    return here;
}

void metrics_leave(void)
{
    metrics_free(here);
    here = NULL;
}

/* --- series --- */

static bool escape(struct buf *out, const char *text)
{
    struct buf clean;
    bool whole;
    buf_init(&clean, 0);
    whole = utf8_clean(&clean, text, strlen(text));
    for (size_t i = 0; whole && i < clean.len; i++) {
        if (clean.data[i] == '\n')
            whole = buf_text(out, "\\n");
        else if (clean.data[i] == '"' || clean.data[i] == '\\')
            whole = buf_byte(out, '\\') && buf_byte(out, clean.data[i]);
        else
            whole = buf_byte(out, clean.data[i]);
    }
    buf_done(&clean);
    return whole;
}

/* name="value",... of a family's labels. @return text the caller frees; NULL without memory. */
static char *labels_text(const char *names, const char *const *values)
{
    struct buf text;
    bool whole = true;
    buf_init(&text, 0);
    for (size_t i = 0; whole && *names != '\0' && i < METRIC_LABELS_MAX; i++) {
        size_t length = strcspn(names, ",");
        whole = buf_printf(&text, "%s%.*s=\"", i == 0 ? "" : ",", (int)length, names) &&
                escape(&text, values == NULL || values[i] == NULL ? "" : values[i]) && buf_byte(&text, '"');
        names += length + (names[length] == ',');
    }
    if (whole && text.len == 0)
        whole = buf_text(&text, "");
    char *taken = whole ? buf_take(&text) : NULL;
    buf_done(&text);
    return taken;
}

static struct series *series_find(struct metrics *metrics, enum metric id, const char *const *labels)
{
    struct family *family = &metrics->families[id];
    struct series wanted = {.labels = labels_text(rows[id].labels, labels)};
    if (wanted.labels == NULL)
        return NULL;
    struct series **found = tfind(&wanted, &family->tree, series_compare);
    struct series *series = found != NULL ? *found : NULL;
    if (series == NULL && family->count < METRIC_SERIES_MAX && (series = malloc(sizeof *series)) != NULL) {
        *series = wanted;
        if (tsearch(series, &family->tree, series_compare) != NULL) {
            family->count++;
            return series;
        }
        free(series);
        series = NULL;
    }
    free(wanted.labels);
    if (series == NULL && id != METRIC_DROPPED)
        metrics_add(metrics, METRIC_DROPPED, NULL, 1);
    return series;
}

void metrics_add(struct metrics *metrics, enum metric id, const char *const *labels, double by)
{
    struct series *series = metrics == NULL ? NULL : series_find(metrics, id, labels);
    if (series != NULL)
        series->value += by;
}

void metrics_set(struct metrics *metrics, enum metric id, const char *const *labels, double value)
{
    struct series *series = metrics == NULL ? NULL : series_find(metrics, id, labels);
    if (series != NULL)
        series->value = value;
}

void metrics_observe(struct metrics *metrics, enum metric id, double value)
{
    struct series *series = metrics == NULL ? NULL : series_find(metrics, id, NULL);
    size_t bucket = 0;
    if (series == NULL)
        return;
    while (bucket < BOUNDS && value > bounds[bucket])
        bucket++;
    series->buckets[bucket]++;
    series->value += value;
}

/* --- text --- */

struct writing {
    const struct metric_row *row;
    enum metrics_format format;
    struct buf *out;
    bool failed;
};

static const char *type_name(enum metric_type type, enum metrics_format format)
{
    static const char *const names[] = {"counter", "gauge", "histogram", "info", "stateset"};
    bool known = format == METRICS_OPENMETRICS || type < INFO;
    return known ? names[type] : "gauge"; /* the older format knows neither info nor stateset */
}

static const char *suffix_of(enum metric_type type)
{
    return type == COUNTER ? "_total" : type == INFO ? "_info" : "";
}

static bool write_number(struct buf *out, double value)
{
    if (isnan(value) || isinf(value))
        return buf_text(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
    return buf_printf(out, fabs(value) < 1e15 && floor(value) == value ? "%.0f" : "%.9g", value);
}

static bool write_sample(struct writing *writing, const char *suffix, const char *labels, const char *le,
                         double value)
{
    struct buf *out = writing->out;
    bool any = labels[0] != '\0' || le != NULL;
    return buf_printf(out, "%s%s%s%s", writing->row->name, suffix, any ? "{" : "", labels) &&
           (le == NULL || buf_printf(out, "%sle=\"%s\"", labels[0] == '\0' ? "" : ",", le)) &&
           buf_printf(out, "%s ", any ? "}" : "") && write_number(out, value) && buf_byte(out, '\n');
}

/* OpenMetrics wants bounds as numbers with a decimal point ("canonical numbers"). */
static bool write_histogram(struct writing *writing, const struct series *series)
{
    uint64_t below = 0;
    bool written = true;
    for (size_t i = 0; written && i <= BOUNDS; i++) {
        char le[32] = "+Inf";
        if (i < BOUNDS)
            (void)snprintf(le, sizeof le, floor(bounds[i]) == bounds[i] ? "%.1f" : "%g", bounds[i]);
        below += series->buckets[i];
        written = write_sample(writing, "_bucket", series->labels, le, (double)below);
    }
    return written && write_sample(writing, "_count", series->labels, NULL, (double)below) &&
           write_sample(writing, "_sum", series->labels, NULL, series->value);
}

static void write_series(const void *node, VISIT visit, void *arg)
{
    struct writing *writing = arg;
    const struct series *series = *(const struct series *const *)node;
    if ((visit != postorder && visit != leaf) || writing->failed)
        return;
    writing->failed = writing->row->type == HISTOGRAM ? !write_histogram(writing, series)
                                                      : !write_sample(writing, suffix_of(writing->row->type),
                                                                      series->labels, NULL, series->value);
}

static bool write_head(const struct writing *writing)
{
    const struct metric_row *row = writing->row;
    struct buf *out = writing->out;
    bool classic = writing->format == METRICS_TEXT;
    const char *suffix = classic ? suffix_of(row->type) : "";
    return buf_printf(out, "# HELP %s%s ", row->name, suffix) && escape(out, row->help) &&
           buf_printf(out, "\n# TYPE %s%s %s\n", row->name, suffix, type_name(row->type, writing->format)) &&
           (classic || row->unit[0] == '\0' || buf_printf(out, "# UNIT %s %s\n", row->name, row->unit));
}

bool metrics_write(const struct metrics *metrics, enum metrics_format format, struct buf *out)
{
    for (size_t id = 0; id < METRIC_COUNT; id++) {
        const struct family *family = &metrics->families[id];
        struct writing writing = {.row = &rows[id], .format = format, .out = out};
        if (family->count == 0)
            continue;
        if (!write_head(&writing))
            return false;
        twalk_r(family->tree, write_series, &writing);
        if (writing.failed)
            return false;
    }
    return format == METRICS_TEXT || buf_text(out, "# EOF\n");
}

const char *metrics_content_type(enum metrics_format format)
{
    return format == METRICS_TEXT ? "text/plain; version=0.0.4; charset=utf-8"
                                  : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

/* Whoever names only the older format gets it; everybody else gets OpenMetrics, as the path's document says. */
enum metrics_format metrics_format_of(const char *accept)
{
    bool older = accept != NULL && strstr(accept, "text/plain") != NULL &&
                 strstr(accept, "application/openmetrics-text") == NULL;
    return older ? METRICS_TEXT : METRICS_OPENMETRICS;
}
