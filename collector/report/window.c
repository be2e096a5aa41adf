#include "report/window.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "link/clock.h"
#include "report/format.h"
#include "words/attempt_json.h"
#include "words/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW_PARAMS = 7, WINDOW_NUMBER_BYTES = 24 };

/* NULL for 0, so that the statement takes any. */
static const char *number_or_null(int64_t number, char out[WINDOW_NUMBER_BYTES])
{
    (void)snprintf(out, WINDOW_NUMBER_BYTES, "%" PRId64, number);
    return number == 0 ? NULL : out;
}

/* What is read instead when the window is long. */
static const enum statement_id rolled[][2] = {
    {STATEMENT_report_counts, STATEMENT_rolled_counts},
    {STATEMENT_report_looks, STATEMENT_rolled_looks},
    {STATEMENT_report_rounds, STATEMENT_rolled_rounds},
    {STATEMENT_report_site, STATEMENT_rolled_site},
    {STATEMENT_report_vantages, STATEMENT_rolled_vantages},
    {STATEMENT_report_certs, STATEMENT_rolled_certs},
    {STATEMENT_report_asn, STATEMENT_rolled_asn},
    {STATEMENT_report_latency, STATEMENT_rolled_latency},
    {STATEMENT_page_heat, STATEMENT_rolled_heat},
    {STATEMENT_page_latency, STATEMENT_rolled_spread},
    {STATEMENT_page_failures, STATEMENT_rolled_failures},
};

bool window_is_rolled(const struct window *window)
{
    int64_t until_us = window->until_us == 0 ? clock_wall_us() : window->until_us;
    return window->rounds == 0 && window->round_id == 0 &&
           (window->since_us == 0 || until_us - window->since_us > WINDOW_LONG_S * US_PER_S);
}

struct window window_aligned(const struct window *window)
{
    const int64_t bucket_us = WINDOW_BUCKET_S * US_PER_S;
    struct window aligned = *window;
    if (!window_is_rolled(window))
        return aligned;
    aligned.since_us -= aligned.since_us % bucket_us;
    if (aligned.until_us % bucket_us != 0)
        aligned.until_us += bucket_us - aligned.until_us % bucket_us;
    return aligned;
}

static enum statement_id source_of(enum statement_id id, const struct window *window)
{
    for (size_t i = 0; i < sizeof rolled / sizeof rolled[0]; i++)
        if (rolled[i][0] == id && window_is_rolled(window))
            return rolled[i][1];
    return id;
}

/* A window as parameters; texts are its own. */
struct window_values {
    char since[UNITS_TIME_BYTES], until[UNITS_TIME_BYTES];
    char asn[WINDOW_NUMBER_BYTES], rounds[WINDOW_NUMBER_BYTES], round_id[WINDOW_NUMBER_BYTES];
    char period[WINDOW_NUMBER_BYTES];
    const char *values[WINDOW_PARAMS + 1];
};

static void window_values(const struct window *asked, int64_t period_s, struct window_values *out)
{
    const struct window window = window_aligned(asked);
    const char *values[WINDOW_PARAMS + 1] = {
        window.site,
        window.since_us == 0 ? NULL : time_rfc3339(window.since_us, 6, out->since),
        window.until_us == 0 ? NULL : time_rfc3339(window.until_us, 6, out->until),
        window.region,
        number_or_null(window.asn, out->asn),
        number_or_null(window.rounds, out->rounds),
        number_or_null(window.round_id, out->round_id),
        number_or_null(period_s, out->period),
    };
    memcpy(out->values, values, sizeof values);
}

PGresult *window_query(struct db *db, enum statement_id id, const struct window *window)
{
    struct window_values with;
    window_values(window, 0, &with);
    return db_query(db, source_of(id, window), with.values, WINDOW_PARAMS);
}

PGresult *window_periods(struct db *db, enum statement_id id, const struct window *window, int64_t period_s)
{
    struct window_values with;
    window_values(window, period_s, &with);
    return db_query(db, source_of(id, window), with.values, WINDOW_PARAMS + 1);
}

bool window_stream(struct db *db, enum statement_id id, const struct window *window, int64_t period_s,
                   db_row_fn *each, void *arg)
{
    struct window_values with;
    window_values(window, period_s, &with);
    return db_stream(db, source_of(id, window), with.values, WINDOW_PARAMS + 1, each, arg);
}

bool window_extent(struct db *db, const struct window *window, struct window_extent *ret_extent)
{
    PGresult *result = window_query(db, STATEMENT_report_rounds, window);
    if (result == NULL)
        return false;
    struct window_extent extent = {
        .rounds = db_int(result, 0, "rounds"),
        .attempts = db_int(result, 0, "attempts"),
    };
    (void)snprintf(extent.first_at, sizeof extent.first_at, "%s", db_text(result, 0, "first_at"));
    (void)snprintf(extent.last_at, sizeof extent.last_at, "%s", db_text(result, 0, "last_at"));
    PQclear(result);
    *ret_extent = extent;
    return true;
}

static bool add_row(struct matrix *matrix, const PGresult *rows, int row)
{
    struct matrix_vantage vantage = {
        .id = db_int(rows, row, "vantage_id"),
        .name = db_text(rows, row, "vantage"),
        .region = db_text(rows, row, "region"),
        .asn = db_int(rows, row, "asn"),
    };
    struct matrix_endpoint endpoint = {
        .id = db_int(rows, row, "endpoint_id"),
        .site = db_text(rows, row, "site"),
        .role = (enum endpoint_role)db_int(rows, row, "endpoint_role"),
        .host = db_text(rows, row, "host"),
        .port = (uint16_t)db_int(rows, row, "port"),
        .sni = db_text(rows, row, "sni"),
        .address = db_text(rows, row, "address"),
    };
    return matrix_add_vantage(matrix, &vantage) && matrix_add_endpoint(matrix, &endpoint);
}

static bool fill_look(struct matrix *matrix, const PGresult *rows, int row)
{
    struct cell *cell =
        matrix_find(matrix, db_int(rows, row, "endpoint_id"), db_int(rows, row, "vantage_id"));
    if (cell == NULL)
        return true;
    cell->handshake_us = db_null(rows, row, "handshake_us") ? -1 : db_int(rows, row, "handshake_us");
    cell->look = (struct look){
        .leaf = arena_string(&matrix->arena, db_text(rows, row, "leaf")),
        .key = arena_string(&matrix->arena, db_text(rows, row, "key")),
        .issuer = arena_string(&matrix->arena, db_text(rows, row, "issuer")),
        .tls_version = (unsigned)db_int(rows, row, "tls_version"),
        .cipher = (unsigned)db_int(rows, row, "cipher"),
        .group = (unsigned)db_int(rows, row, "tls_group"),
        .alpn = arena_string(&matrix->arena, db_text(rows, row, "alpn")),
        .http_status = (unsigned)db_int(rows, row, "http_status"),
        .location = arena_string(&matrix->arena, db_text(rows, row, "location")),
        .pop = arena_string(&matrix->arena, db_text(rows, row, "pop")),
        .addresses = arena_string(&matrix->arena, db_text(rows, row, "addresses")),
    };
    const struct look *look = &cell->look;
    return look->leaf != NULL && look->key != NULL && look->issuer != NULL && look->alpn != NULL &&
           look->location != NULL && look->pop != NULL && look->addresses != NULL;
}

/* @return the cell that a row counts into, NULL for an attempt that arrived between the two statements: it is for the next report. */
static struct cell *counted(const struct matrix *matrix, const PGresult *rows, int row,
                            struct outcome *ret_outcome)
{
    struct cell *cell =
        matrix_find(matrix, db_int(rows, row, "endpoint_id"), db_int(rows, row, "vantage_id"));
    bool known = outcome_from_numbers((int)db_int(rows, row, "class"), (int)db_int(rows, row, "raw_kind"),
                                      (int32_t)db_int(rows, row, "raw"), ret_outcome);
    return known ? cell : NULL;
}

/* A version, and no time of a handshake: first attempts passed when the answer to their hello was there. */
static void note_depth(struct matrix *matrix, const PGresult *rows, int row)
{
    struct outcome outcome;
    const struct cell *cell = counted(matrix, rows, row, &outcome);
    if (cell != NULL && outcome_is_ok(outcome) && db_int(rows, row, "role") == ATTEMPT_FIRST &&
        cell->handshake_us < 0 && cell->look.tls_version != 0)
        matrix_at_hello(matrix, cell);
}

static void fill_count(const struct matrix *matrix, const PGresult *rows, int row)
{
    struct outcome outcome;
    struct cell *cell = counted(matrix, rows, row, &outcome);
    if (cell != NULL)
        cell_count(cell, (enum attempt_role)db_int(rows, row, "role"), matrix_outcome(matrix, cell, outcome),
                   (int)db_int(rows, row, "family"), (unsigned)db_int(rows, row, "count"));
}

bool window_fill(struct matrix *matrix, const PGresult *cells, const PGresult *looks, const PGresult *counts)
{
    bool room = true;
    for (int row = 0; room && row < PQntuples(cells); row++)
        room = add_row(matrix, cells, row);
    room = room && matrix_settle(matrix);
    for (int row = 0; room && row < PQntuples(looks); row++)
        room = fill_look(matrix, looks, row);
    for (int row = 0; room && row < PQntuples(counts); row++)
        note_depth(matrix, counts, row);
    for (int row = 0; room && row < PQntuples(counts); row++)
        fill_count(matrix, counts, row);
    return room;
}

/* One round has its cells before they are seen, so that a live matrix shows who is awaited. */
static PGresult *expected_cells(struct db *db, int64_t round_id)
{
    char id[WINDOW_NUMBER_BYTES];
    const char *values[] = {number_or_null(round_id, id)};
    return db_query(db, STATEMENT_probe_cells, values, 1);
}

bool window_matrix(struct db *db, const struct window *window, struct matrix *matrix)
{
    PGresult *looks = window_query(db, STATEMENT_report_looks, window);
    PGresult *counts = looks == NULL ? NULL : window_query(db, STATEMENT_report_counts, window);
    PGresult *expected =
        counts == NULL || window->round_id == 0 ? NULL : expected_cells(db, window->round_id);
    const PGresult *cells = window->round_id == 0 ? looks : expected;
    bool read = counts != NULL && cells != NULL;
    bool room = read && window_fill(matrix, cells, looks, counts);
    if (read && !room)
        cli_error(_("the window is too large for one matrix; narrow it with --site, --region or --since"));
    PQclear(looks);
    PQclear(expected);
    PQclear(counts);
    return room;
}

static bool set_time(json_t *object, const char *key, int64_t at_us)
{
    char text[UNITS_TIME_BYTES];
    return json_object_set_new(object, key,
                               at_us == 0 ? json_null() : json_string(time_rfc3339(at_us, 6, text))) == 0;
}

json_t *window_json(const char *kind, const struct window *asked, const struct window_extent *extent)
{
    const struct window aligned = window_aligned(asked), *window = &aligned;
    json_t *root = json_pack("{s:i, s:s}", "schema", REPORT_JSON_SCHEMA, "kind", kind);
    bool done =
        root != NULL && set_time(root, "since", window->since_us) &&
        set_time(root, "until", window->until_us) &&
        json_object_set_new(root, "site", window->site == NULL ? json_null() : json_text(window->site)) ==
            0 &&
        json_object_set_new(root, "rounds", json_integer(extent->rounds)) == 0 &&
        json_object_set_new(root, "attempts", json_integer(extent->attempts)) == 0 &&
        json_object_set_new(root, "bucket_s",
                            window_is_rolled(asked) ? json_integer(WINDOW_BUCKET_S) : json_null()) == 0;
    if (!done) {
        json_decref(root);
        return NULL;
    }
    return root;
}
