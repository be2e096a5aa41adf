#include "outlet/gauges.h"

#include "diff/watch.h"
#include "link/clock.h"
#include "link/handles.h"
#include "log.h"
#include "outlet/metrics.h"
#include "report/label.h"
#include "store/db.h"
#include "words/units.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * One turn on the loop's connection reads all gauges, statement after statement; each answer replaces its families at once,
 * so a scrape never sees half of one. It is read every GAUGES_EVERY_MS, sooner when a round was judged, and never more often
 * than costs the database GAUGES_SHARE of its time: a fleet whose queries are slow is read less often.
 *
 * When the connection is lost the families are emptied, because an old number is worse than none; parallax_database_up says
 * why they are missing.
 */

enum { GAUGES_EVERY_MS = 15000, GAUGES_SOONEST_MS = 1000, GAUGES_SHARE = 20 };
#define GAUGES_JUDGE_LATE_S 300.0 /* a round that waits longer for its judge means that something is wrong */

struct gauges {
    uv_loop_t *loop;
    struct pg *pg;
    uv_timer_t timer;
    struct handles handles;
    size_t step;
    int64_t began_us;
    int64_t rest_until_us; /* monotonic: not read again before */
    bool connected;
    bool rows; /* the connection for rows is there too */
    bool busy;
    bool stopped;
    bool known; /* read since the connection came */
    long long unjudged;
    double judge_lag_s;
    long long connected_vantages;
    int64_t read_at_us;
};

/* --- answers --- */

static double real_of(const PGresult *result, int row, const char *column)
{
    return db_null(result, row, column) ? 0 : db_real(result, row, column);
}

static void read_vantages(struct gauges *gauges, const PGresult *result)
{
    struct metrics *metrics = metrics_here();
    metrics_clear(metrics, METRIC_VANTAGE_CONNECTED);
    metrics_clear(metrics, METRIC_VANTAGE_ASIDE);
    metrics_clear(metrics, METRIC_VANTAGE_CERTIFICATE);
    gauges->connected_vantages = 0;
    for (int row = 0; row < PQntuples(result); row++) {
        const char *const labels[METRIC_LABELS_MAX] = {
            db_text(result, row, "name"), db_text(result, row, "region"), db_text(result, row, "asn")};
        metrics_set(metrics, METRIC_VANTAGE_CONNECTED, labels, real_of(result, row, "connected"));
        metrics_set(metrics, METRIC_VANTAGE_ASIDE, labels, real_of(result, row, "aside"));
        if (!db_null(result, row, "certificate_left_s"))
            metrics_set(metrics, METRIC_VANTAGE_CERTIFICATE, labels,
                        db_real(result, row, "certificate_left_s"));
        gauges->connected_vantages += db_int(result, row, "connected");
    }
}

static void read_incidents(struct gauges *gauges, const PGresult *result)
{
    struct metrics *metrics = metrics_here();
    (void)gauges;
    metrics_clear(metrics, METRIC_INCIDENTS);
    for (int kind = INCIDENT_FAILS; kind <= INCIDENT_EXPIRES; kind++)
        for (int place = PLACE_ENDPOINT; place <= PLACE_SOME; place++)
            metrics_set(metrics, METRIC_INCIDENTS, LABELS(incident_kind_name(kind), place_kind_name(place)),
                        0);
    for (int row = 0; row < PQntuples(result); row++)
        metrics_set(metrics, METRIC_INCIDENTS,
                    LABELS(incident_kind_name((int)db_int(result, row, "kind")),
                           place_kind_name((int)db_int(result, row, "place"))),
                    real_of(result, row, "open"));
}

static void read_rounds(struct gauges *gauges, const PGresult *result)
{
    gauges->unjudged = db_int(result, 0, "unjudged");
    gauges->judge_lag_s = real_of(result, 0, "lag_s");
    metrics_set(metrics_here(), METRIC_ROUNDS_UNJUDGED, NULL, (double)gauges->unjudged);
    metrics_set(metrics_here(), METRIC_JUDGE_LAG, NULL, gauges->judge_lag_s);
}

static void read_skew(struct gauges *gauges, const PGresult *result)
{
    (void)gauges;
    metrics_clear(metrics_here(), METRIC_ROUND_SKEW);
    for (int row = 0; row < PQntuples(result); row++)
        metrics_set(metrics_here(), METRIC_ROUND_SKEW, LABELS(db_text(result, row, "interval_s")),
                    real_of(result, row, "skew_s"));
}

static void read_endpoint(const PGresult *result, int row)
{
    static const char *const states[] = {"unknown", "well", "failing"};
    struct metrics *metrics = metrics_here();
    char label[ENDPOINT_LABEL_BYTES];
    const struct matrix_endpoint endpoint = {.role = (enum endpoint_role)db_int(result, row, "role"),
                                             .host = db_text(result, row, "host"),
                                             .port = (uint16_t)db_int(result, row, "port"),
                                             .address = db_text(result, row, "address")};
    const char *labels[METRIC_LABELS_MAX] = {db_text(result, row, "site"), endpoint_label(&endpoint, label),
                                             endpoint_role_name((int)endpoint.role),
                                             db_text(result, row, "sni")};
    size_t state = db_int(result, row, "failing") != 0 ? 2 : db_int(result, row, "tried") > 0 ? 1 : 0;
    if (!db_null(result, row, "passing"))
        metrics_set(metrics, METRIC_ENDPOINT_PASSING, labels, db_real(result, row, "passing"));
    if (!db_null(result, row, "left_s"))
        metrics_set(metrics, METRIC_CERTIFICATE, labels, db_real(result, row, "left_s"));
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        labels[4] = states[i];
        metrics_set(metrics, METRIC_ENDPOINT_STATE, labels, i == state ? 1 : 0);
    }
}

static void read_endpoints(struct gauges *gauges, const PGresult *result)
{
    struct metrics *metrics = metrics_here();
    (void)gauges;
    metrics_clear(metrics, METRIC_ENDPOINT_PASSING);
    metrics_clear(metrics, METRIC_ENDPOINT_STATE);
    metrics_clear(metrics, METRIC_CERTIFICATE);
    for (int row = 0; row < PQntuples(result); row++)
        read_endpoint(result, row);
}

/* --- reading --- */

static const struct {
    enum statement_id statement;
    void (*read)(struct gauges *gauges, const PGresult *result);
} steps[] = {
    {STATEMENT_outlet_vantages, read_vantages},   {STATEMENT_outlet_incidents, read_incidents},
    {STATEMENT_outlet_rounds, read_rounds},       {STATEMENT_outlet_skew, read_skew},
    {STATEMENT_outlet_endpoints, read_endpoints},
};
enum { GAUGES_STEPS = sizeof steps / sizeof steps[0] };

static void gauges_step(struct pg *pg, PGresult *result, void *arg)
{
    struct gauges *gauges = arg;
    steps[gauges->step].read(gauges, result);
    if (++gauges->step < GAUGES_STEPS)
        pg_exec(pg, steps[gauges->step].statement, NULL, 0, gauges_step);
}

static void gauges_start(struct pg *pg, void *arg)
{
    struct gauges *gauges = arg;
    gauges->step = 0;
    gauges->began_us = clock_mono_us();
    pg_exec(pg, steps[0].statement, NULL, 0, gauges_step);
}

static void gauges_end(bool committed, const char *why, void *arg)
{
    struct gauges *gauges = arg;
    int64_t now_us = clock_mono_us();
    gauges->busy = false;
    gauges->rest_until_us = now_us + GAUGES_SHARE * (now_us - gauges->began_us);
    gauges->known = gauges->connected && (gauges->known || committed);
    if (committed)
        gauges->read_at_us = clock_wall_us();
    else if (why[0] != '\0' && gauges->connected)
        log_line("gauges were not read: %s", why);
}

static void gauges_read(struct gauges *gauges)
{
    struct pg_turn turn = {.start = gauges_start, .end = gauges_end, .arg = gauges};
    if (gauges->connected && !gauges->busy && !gauges->stopped && clock_mono_us() >= gauges->rest_until_us)
        gauges->busy = pg_submit(gauges->pg, &turn);
}

static void gauges_on_timer(uv_timer_t *timer)
{
    gauges_read(timer->data);
}

/* --- public --- */

struct gauges *gauges_new(uv_loop_t *loop, struct pg *pg)
{
    struct gauges *gauges = calloc(1, sizeof *gauges);
    if (gauges == NULL)
        return NULL;
    gauges->loop = loop;
    gauges->pg = pg;
    (void)uv_timer_init(loop, &gauges->timer);
    gauges->timer.data = gauges;
    handles_init(&gauges->handles);
    handles_add(&gauges->handles, &gauges->timer);
    metrics_set(metrics_here(), METRIC_BUILD, LABELS(PARALLAX_VERSION), 1);
    metrics_set(metrics_here(), METRIC_DATABASE_UP, NULL, 0);
    return gauges;
}

void gauges_stop(struct gauges *gauges, void (*done)(void *arg), void *arg)
{
    gauges->stopped = true;
    handles_close_all(&gauges->handles, gauges->loop, done, arg);
}

void gauges_free(struct gauges *gauges)
{
    free(gauges);
}

static void gauges_database(const struct gauges *gauges)
{
    metrics_set(metrics_here(), METRIC_DATABASE_UP, NULL, gauges->connected && gauges->rows ? 1 : 0);
}

void gauges_rows(struct gauges *gauges, bool up)
{
    gauges->rows = up;
    gauges_database(gauges);
}

void gauges_ready(struct gauges *gauges)
{
    gauges->connected = true;
    gauges_database(gauges);
    (void)uv_timer_start(&gauges->timer, gauges_on_timer, 0, GAUGES_EVERY_MS);
}

void gauges_lost(struct gauges *gauges)
{
    static const enum metric from_database[] = {
        METRIC_ROUND_SKEW,        METRIC_ROUNDS_UNJUDGED,  METRIC_JUDGE_LAG,
        METRIC_VANTAGE_CONNECTED, METRIC_VANTAGE_ASIDE,    METRIC_INCIDENTS,
        METRIC_ENDPOINT_STATE,    METRIC_ENDPOINT_PASSING, METRIC_CERTIFICATE};
    gauges->connected = gauges->known = false;
    gauges_database(gauges);
    metrics_add(metrics_here(), METRIC_DATABASE_LOST, NULL, 1);
    for (size_t i = 0; i < sizeof from_database / sizeof from_database[0]; i++)
        metrics_clear(metrics_here(), from_database[i]);
}

void gauges_changed(struct gauges *gauges)
{
    if (gauges->connected && !gauges->stopped && uv_timer_get_due_in(&gauges->timer) > GAUGES_SOONEST_MS)
        (void)uv_timer_start(&gauges->timer, gauges_on_timer, GAUGES_SOONEST_MS, GAUGES_EVERY_MS);
}

bool gauges_health(const struct gauges *gauges, struct buf *out)
{
    bool behind = gauges->known && gauges->judge_lag_s > GAUGES_JUDGE_LATE_S;
    bool up = gauges->connected && gauges->rows;
    bool well = up && !behind;
    json_t *health = json_pack("{s:b, s:s, s:s, s:[]}", "healthy", well, "version", PARALLAX_VERSION,
                               "database", up ? "up" : "away", "reasons");
    json_t *reasons = json_object_get(health, "reasons");
    char time[UNITS_TIME_BYTES];
    if (gauges->known) {
        (void)json_object_set_new(health, "read_at", json_string(time_rfc3339(gauges->read_at_us, 0, time)));
        (void)json_object_set_new(health, "vantages_connected", json_integer(gauges->connected_vantages));
        (void)json_object_set_new(health, "rounds_unjudged", json_integer(gauges->unjudged));
        (void)json_object_set_new(health, "judge_lag_s", json_integer((json_int_t)gauges->judge_lag_s));
    }
    if (!up)
        (void)json_array_append_new(
            reasons, json_string(!gauges->connected && !gauges->rows ? "the database is away"
                                 : gauges->connected ? "the connection for sessions and results is away"
                                                     : "the connection for rounds is away"));
    if (behind)
        (void)json_array_append_new(reasons,
                                    json_string("rounds wait for their judge longer than 5 minutes"));
    char *text = json_dumps(health, JSON_COMPACT);
    well = text != NULL && buf_printf(out, "%s\n", text) && well;
    free(text);
    json_decref(health);
    return well;
}
