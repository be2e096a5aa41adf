#include "replay/settled.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "judge/judge.h"
#include "report/kinds.h"
#include "report/show.h"

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
    json_t *place = json_object_get(root, name), *part = document.root;
    if (strcmp(name, "incidents") == 0)
        part = document.rows; /* the list alone */
    if (code != EXIT_FAILED &&
        (json_is_array(place) ? json_array_append(place, part) : json_object_set(root, name, part)) != 0) {
        cli_error(_("out of memory"));
        code = EXIT_FAILED;
    }
    document_done(&document);
    return code;
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
    int code = show(report, "incidents", root);
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
