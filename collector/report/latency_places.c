#include "report/latency_places.h"

#include "cli/cli.h"
#include "cli/i18n.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES_ARENA_BYTES = 1 << 29, BINS = 128, STAGES = 4 };

static const double quantiles[PLACE_QUANTILES] = {0.5, 0.9, 0.99};

/* --- from attempts ------------------------------------------------------------------------------------------------------ */

static bool read_series(const char *medians, struct arena *arena, struct latency_series *ret_series)
{
    json_t *list = json_loads(medians, 0, NULL), *item;
    size_t count = json_array_size(list), index;
    struct latency_point *points = arena_array(arena, count, sizeof *points);
    if (points != NULL) {
        json_array_foreach(list, index, item)
        {
            points[index] = (struct latency_point){.period = json_integer_value(json_array_get(item, 0)),
                                                   .us = json_number_value(json_array_get(item, 1))};
        }
        *ret_series = (struct latency_series){.count = count, .points = points};
    }
    json_decref(list);
    return points != NULL;
}

/* What rows of both kinds say of the endpoint. @return false without memory. */
static bool read_endpoint(const PGresult *rows, int row, struct arena *arena, struct place *place)
{
    place->endpoint_id = db_int(rows, row, "endpoint_id");
    place->role = (enum endpoint_role)db_int(rows, row, "endpoint_role");
    place->site = arena_string(arena, db_text(rows, row, "site"));
    place->sni = arena_string(arena, db_text(rows, row, "sni"));
    place->host = arena_string(arena, db_text(rows, row, "host"));
    place->address = arena_string(arena, db_text(rows, row, "address"));
    place->port = (uint16_t)db_int(rows, row, "port");
    return place->site != NULL && place->sni != NULL && place->host != NULL && place->address != NULL;
}

static bool read_place(const PGresult *rows, int row, struct arena *arena, struct place *place)
{
    static const char *const columns[PLACE_QUANTILES] = {"p50_us", "p90_us", "p99_us"};
    place->stage = (int)db_int(rows, row, "stage");
    place->region = arena_string(arena, db_text(rows, row, "region"));
    place->whole_region = db_null(rows, row, "asn");
    place->asn = db_int(rows, row, "asn");
    place->count = db_int(rows, row, "count");
    for (size_t i = 0; i < PLACE_QUANTILES; i++)
        place->quantile_us[i] = db_int(rows, row, columns[i]);
    return read_endpoint(rows, row, arena, place) && place->region != NULL &&
           read_series(db_text(rows, row, "medians"), arena, &place->series);
}

static bool read_attempts(const PGresult *rows, struct places *places)
{
    places->list = calloc((size_t)PQntuples(rows) + 1, sizeof *places->list);
    bool read = places->list != NULL;
    for (int row = 0; read && row < PQntuples(rows); row++)
        read = read_place(rows, row, &places->arena, &places->list[places->count++]);
    return read;
}

/* --- from histograms ------------------------------------------------------------------------------------------------------ */

/* One period of one place. */
struct counted {
    int64_t period;
    uint32_t bins[BINS];
};

struct stage {
    size_t count, room;
    struct counted **periods; /* ascending */
};

/* A region, or a network of it, at the endpoint under way. */
struct ground {
    int64_t area, asn; /* asn -1: all of the region */
    const char *region;
    struct stage stages[STAGES];
};

struct summing {
    struct places *places;
    size_t room;
    struct place endpoint; /* under way; its id 0: none yet */
    struct arena arena;    /* of this endpoint */
    size_t ground_count, ground_room;
    struct ground *grounds;
    bool out_of_memory;
};

static double quantile_us(const double bins[BINS], double total, double quantile)
{
    double upto = 0, want = quantile * total;
    for (int bin = 0; bin < BINS; bin++) {
        double n = bins[bin];
        upto += n;
        if (n > 0 && upto >= want && upto - n < want)
            return rint(pow(2, (bin + (want - upto + n) / n) / 4));
    }
    return 0;
}

/* Room for one more in a list that grows by doubling. */
static void *grow(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    size_t more = *room == 0 ? 16 : 2 * *room;
    void *grown = reallocarray(list, more, size);
    if (grown != NULL)
        *room = more;
    return grown;
}

static double add_up(const struct counted *counted, double bins[BINS])
{
    double total = 0;
    for (int bin = 0; bin < BINS; bin++) {
        bins[bin] += counted->bins[bin];
        total += counted->bins[bin];
    }
    return total;
}

static bool settle_stage(const struct stage *stage, struct arena *arena, struct place *place)
{
    double whole[BINS] = {0}, total = 0;
    struct latency_point *points = arena_array(arena, stage->count, sizeof *points);
    if (points == NULL)
        return false;
    for (size_t i = 0; i < stage->count; i++) {
        double bins[BINS] = {0}, count = add_up(stage->periods[i], bins);
        points[i] = (struct latency_point){.period = stage->periods[i]->period,
                                           .us = quantile_us(bins, count, quantiles[0])};
        total += add_up(stage->periods[i], whole);
    }
    place->count = (int64_t)total;
    for (size_t i = 0; i < PLACE_QUANTILES; i++)
        place->quantile_us[i] = (int64_t)quantile_us(whole, total, quantiles[i]);
    place->series = (struct latency_series){.count = stage->count, .points = points};
    return true;
}

static bool settle_place(struct summing *summing, const struct ground *ground, int stage)
{
    struct places *places = summing->places;
    struct place *grown = grow(places->list, places->count, &summing->room, sizeof *grown);
    if (grown == NULL)
        return false;
    places->list = grown;
    struct place *place = &places->list[places->count++];
    *place = summing->endpoint;
    place->stage = stage;
    place->region = arena_string(&places->arena, ground->region);
    place->whole_region = ground->asn < 0;
    place->asn = ground->asn < 0 ? 0 : ground->asn;
    return place->region != NULL && settle_stage(&ground->stages[stage], &places->arena, place);
}

/* Regions, then networks by number. */
static int by_asn(const void *a, const void *b)
{
    const struct ground *one = a, *other = b;
    if (one->asn != other->asn)
        return one->asn < other->asn ? -1 : 1;
    return one->area < other->area ? -1 : one->area > other->area;
}

/* All rows of an endpoint have come. */
static bool settle_endpoint(struct summing *summing)
{
    bool settled = true;
    if (summing->ground_count > 0)
        qsort(summing->grounds, summing->ground_count, sizeof *summing->grounds, by_asn);
    for (int stage = 0; stage < STAGES; stage++) {
        for (size_t i = 0; settled && i < summing->ground_count; i++) {
            if (summing->grounds[i].stages[stage].count > 0)
                settled = settle_place(summing, &summing->grounds[i], stage);
        }
    }
    for (size_t i = 0; i < summing->ground_count; i++) {
        for (int stage = 0; stage < STAGES; stage++)
            free(summing->grounds[i].stages[stage].periods);
    }
    summing->ground_count = 0;
    arena_clear(&summing->arena);
    return settled;
}

static struct ground *find_ground(struct summing *summing, int64_t area, int64_t asn, const char *region)
{
    for (size_t i = 0; i < summing->ground_count; i++) {
        if (summing->grounds[i].area == area && summing->grounds[i].asn == asn)
            return &summing->grounds[i];
    }
    struct ground *grown =
        grow(summing->grounds, summing->ground_count, &summing->ground_room, sizeof *grown);
    if (grown == NULL)
        return NULL;
    summing->grounds = grown;
    struct ground *ground = &grown[summing->ground_count];
    *ground = (struct ground){.area = area, .asn = asn, .region = arena_string(&summing->arena, region)};
    summing->ground_count += ground->region != NULL;
    return ground->region == NULL ? NULL : ground;
}

static struct counted *find_period(struct stage *stage, struct arena *arena, int64_t period)
{
    size_t at = stage->count;
    while (at > 0 && stage->periods[at - 1]->period > period)
        at--;
    if (at > 0 && stage->periods[at - 1]->period == period)
        return stage->periods[at - 1];
    struct counted **grown = grow(stage->periods, stage->count, &stage->room, sizeof *grown),
                   *counted = grown == NULL ? NULL : arena_take(arena, sizeof *counted);
    if (grown != NULL)
        stage->periods = grown;
    if (counted == NULL)
        return NULL;
    memmove(&grown[at + 1], &grown[at], (stage->count - at) * sizeof *grown);
    counted->period = period;
    grown[at] = counted;
    stage->count++;
    return counted;
}

/* "{56,57}" and "{3,57}": bins and how many are in each. */
static void add_bins(struct counted *counted, const char *bins, const char *counts)
{
    while (bins[0] != '\0' && counts[0] != '\0' && bins[1] != '\0' && counts[1] != '\0') {
        char *bin_end, *count_end;
        long bin = strtol(bins + 1, &bin_end, 10);
        unsigned long count = strtoul(counts + 1, &count_end, 10);
        if (bin >= 0 && bin < BINS)
            counted->bins[bin] += (uint32_t)count;
        bins = bin_end;
        counts = count_end;
    }
}

static bool add_to(struct summing *summing, const PGresult *row, int64_t area, int64_t asn)
{
    long long stage = db_int(row, 0, "stage");
    if (stage < 0 || stage >= STAGES)
        return true;
    struct ground *ground = find_ground(summing, area, asn, db_text(row, 0, "region"));
    struct counted *counted =
        ground == NULL ? NULL
                       : find_period(&ground->stages[stage], &summing->arena, db_int(row, 0, "period"));
    if (counted != NULL)
        add_bins(counted, db_text(row, 0, "bins"), db_text(row, 0, "counts"));
    return counted != NULL;
}

static bool take_row(const PGresult *row, void *arg)
{
    struct summing *summing = arg;
    bool taken = true;
    if (db_int(row, 0, "endpoint_id") != summing->endpoint.endpoint_id)
        taken =
            settle_endpoint(summing) && read_endpoint(row, 0, &summing->places->arena, &summing->endpoint);
    int64_t area = db_int(row, 0, "area");
    taken = taken && add_to(summing, row, area, -1) && add_to(summing, row, area, db_int(row, 0, "asn"));
    summing->out_of_memory = !taken;
    return taken;
}

static bool sum_histograms(struct db *db, const struct window *window, int64_t period_s,
                           struct places *places)
{
    struct summing summing = {.places = places};
    arena_init(&summing.arena, PLACES_ARENA_BYTES);
    bool read = window_stream(db, STATEMENT_report_latency, window, period_s, take_row, &summing);
    bool settled = settle_endpoint(&summing);
    if (summing.out_of_memory || !settled)
        cli_error(_("out of memory"));
    free(summing.grounds);
    arena_done(&summing.arena);
    return read && settled;
}

bool places_read(struct db *db, const struct window *window, int64_t period_s, struct places *ret_places)
{
    *ret_places = (struct places){0};
    arena_init(&ret_places->arena, PLACES_ARENA_BYTES);
    if (window_is_rolled(window))
        return sum_histograms(db, window, period_s, ret_places);
    PGresult *rows = window_periods(db, STATEMENT_report_latency, window, period_s);
    bool read = rows != NULL && read_attempts(rows, ret_places);
    if (rows != NULL && !read)
        cli_error(_("out of memory"));
    PQclear(rows);
    return read;
}

void places_done(struct places *places)
{
    free(places->list);
    arena_done(&places->arena);
}
