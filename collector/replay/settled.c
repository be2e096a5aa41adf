#include "replay/settled.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "diff/watch.h"
#include "judge/judge.h"
#include "report/kinds.h"
#include "report/show.h"
#include "words/attempt_json.h"
#include "words/json_writer.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>

/* The reports' own kinds, one after the other. */

bool settled_judge(struct db *db, const atomic_bool *stopping)
{
    const struct judge_options options = {.expiry_days = JUDGE_EXPIRY_DAYS, .stopping = stopping};
    struct judge *judge = judge_new(db, &options);
    size_t count = 0;
    if (judge == NULL) {
        cli_error(_("out of memory"));
        return false;
    }
    bool judged = judge_rounds(judge, &count) && judge_rollups(judge);
    judge_free(judge);
    return judged;
}

static const struct report_kind *kind_named(const char *name)
{
    for (size_t i = 0; i < report_kind_count; i++)
        if (strcmp(report_kinds[i].name, name) == 0)
            return &report_kinds[i];
    return NULL;
}

/* One report: printed, or put under its name into root. @return an exit code. */
static int show(struct report *report, const char *name, json_t *root)
{
    const struct report_kind *kind = kind_named(name);
    struct document document;
    if (kind == NULL)
        return EXIT_HEALTHY;
    if (root == NULL)
        return report_write(report, kind, REPORT_TEXT, stdout);
    document_init(&document);
    int code = kind->make(report, &document) ? document.found ? EXIT_FINDINGS : EXIT_HEALTHY : EXIT_FAILED;
    json_t *place = json_object_get(root, name);
    if (code != EXIT_FAILED && (json_is_array(place) ? json_array_append(place, document.root)
                                                     : json_object_set(root, name, document.root)) != 0) {
        cli_error(_("out of memory"));
        code = EXIT_FAILED;
    }
    document_done(&document);
    return code;
}

/* --- incidents as data: in what a program reads they are told by what they are, whatever a report makes of them --- */

static json_t *time_or_null(const PGresult *rows, int row, const char *column)
{
    char text[UNITS_TIME_BYTES];
    return db_null(rows, row, column) ? json_null()
                                      : json_string(time_rfc3339(db_int(rows, row, column), 0, text));
}

static json_t *text_or_null(const PGresult *rows, int row, const char *column)
{
    return db_null(rows, row, column) ? json_null() : json_text(db_text(rows, row, column));
}

static json_t *incident_json(const PGresult *rows, int row)
{
    struct writer writer = {0};
    struct outcome outcome = outcome_make(OUTCOME_OK, RAW_NONE, 0);
    json_t *incident = json_object();
    (void)outcome_from_numbers((int)db_int(rows, row, "class"), RAW_NONE, 0, &outcome);
    set(&writer, incident, "id", json_integer(db_int(rows, row, "id")));
    set(&writer, incident, "key", json_text(db_text(rows, row, "key")));
    set(&writer, incident, "kind", json_string(incident_kind_name((int)db_int(rows, row, "kind"))));
    set(&writer, incident, "place", json_string(place_kind_name((int)db_int(rows, row, "place"))));
    static const char *const texts[] = {"region", "vantage", "address", "edge", "pop"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        set(&writer, incident, texts[i], text_or_null(rows, row, texts[i]));
    set(&writer, incident, "asn",
        db_null(rows, row, "asn") ? json_null() : json_integer(db_int(rows, row, "asn")));
    set(&writer, incident, "endpoints", json_loads(db_text(rows, row, "endpoints"), 0, NULL));
    set(&writer, incident, "class", json_string(outcome_class_id(outcome.class)));
    set(&writer, incident, "cause", json_text(db_text(rows, row, "cause")));
    set(&writer, incident, "confirmed", json_boolean(db_text(rows, row, "confirmed")[0] == 't'));
    set(&writer, incident, "confidence", json_real(db_real(rows, row, "confidence")));
    set(&writer, incident, "flapping", json_boolean(db_text(rows, row, "flapping")[0] == 't'));
    set(&writer, incident, "opened", time_or_null(rows, row, "opened_us"));
    set(&writer, incident, "closed", time_or_null(rows, row, "closed_us"));
    set(&writer, incident, "detail", json_loads(db_text(rows, row, "detail"), 0, NULL));
    return finish(&writer, incident);
}

static int incidents_json(const PGresult *rows, json_t *root)
{
    json_t *list = json_array();
    struct writer writer = {.failed = json_object_set_new(root, "incidents", list) != 0};
    for (int row = 0; row < PQntuples(rows); row++)
        add(&writer, list, incident_json(rows, row));
    if (!writer.failed)
        return PQntuples(rows) > 0 ? EXIT_FINDINGS : EXIT_HEALTHY;
    cli_error(_("out of memory"));
    return EXIT_FAILED;
}

static int worse(int a, int b)
{
    return a > b ? a : b;
}

static int explain_all(struct report *report, const PGresult *incidents, json_t *root)
{
    int code =
        root != NULL && json_object_set_new(root, "explain", json_array()) != 0 ? EXIT_FAILED : EXIT_HEALTHY;
    for (int row = 0; code != EXIT_FAILED && row < PQntuples(incidents); row++) {
        report->id = db_text(incidents, row, "id");
        if (root == NULL)
            (void)printf("\n");
        code = worse(code, show(report, "explain", root));
    }
    report->id = NULL;
    return code;
}

static int show_all(struct report *report, const PGresult *incidents, bool explain, json_t *root)
{
    int code = root != NULL ? incidents_json(incidents, root) : show(report, "incidents", NULL);
    if (root == NULL)
        (void)printf("\n");
    if (code != EXIT_FAILED)
        code = worse(code, show(report, "diff", root));
    return code == EXIT_FAILED || !explain ? code : worse(code, explain_all(report, incidents, root));
}

int settled_print(struct db *db, const struct settled_options *options)
{
    const struct window window = {0};
    struct report report;
    int code = EXIT_FAILED;
    json_t *root =
        options->json ? json_pack("{s:i, s:s}", "schema", REPORT_JSON_SCHEMA, "kind", "replay") : NULL;
    if (options->json && root == NULL)
        cli_error(_("out of memory"));
    PGresult *incidents = db_query(db, STATEMENT_replay_incidents, NULL, 0);
    if (incidents != NULL && (root != NULL || !options->json) && report_init(&report, db, &window)) {
        code = show_all(&report, incidents, options->explain, root);
        report_done(&report);
    }
    PQclear(incidents);
    if (root != NULL && code != EXIT_FAILED)
        return show_json(root) ? code : EXIT_FAILED;
    json_decref(root);
    return code;
}
