#include "replay/settled.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "judge/judge.h"
#include "report/show.h"

#include <stdlib.h>

static struct judge *volatile judging;

bool settled_judge(struct db *db)
{
    const struct judge_options options = {.expiry_days = JUDGE_EXPIRY_DAYS};
    struct judge *judge = judge_new(db, &options);
    size_t count = 0;
    if (judge == NULL) {
        cli_error(_("out of memory"));
        return false;
    }
    judging = judge;
    bool judged = judge_rounds(judge, &count) && judge_rollups(judge);
    judging = NULL;
    judge_free(judge);
    return judged;
}

void settled_stop(void)
{
    if (judging != NULL)
        judge_stop(judging);
}

static void print_head(const struct diff *diff, const struct window_extent *extent)
{
    size_t count = diff_finding_count(diff);
    if (count == 0)
        (void)printf(_("no differences"));
    else
        (void)printf(ngettext("%zu finding", "%zu findings", count), count);
    if (diff->aside_count > 0)
        (void)printf(ngettext(", %zu vantage set aside", ", %zu vantages set aside", diff->aside_count),
                     diff->aside_count);
    (void)printf("; ");
    (void)printf(ngettext("%lld round", "%lld rounds", (unsigned long)extent->rounds), extent->rounds);
    (void)printf(", ");
    (void)printf(ngettext("%u vantage", "%u vantages", diff->matrix->vantage_count), diff->matrix->vantage_count);
    (void)printf(", ");
    (void)printf(ngettext("%u endpoint", "%u endpoints", diff->matrix->endpoint_count),
                 diff->matrix->endpoint_count);
    (void)printf(_(", %s to %s\n"), extent->first_at, extent->last_at);
}

static bool print_json(const struct diff *diff, const struct window *window, const struct window_extent *extent)
{
    json_t *root = window_json("replay", window, extent);
    if (root != NULL && matrix_to_json(diff->matrix, root) && diff_to_json(diff, root))
        return show_json(root);
    json_decref(root);
    return false;
}

int settled_print(struct db *db, const struct settled_options *options)
{
    const struct window window = {0};
    struct window_extent extent;
    struct matrix matrix;
    struct diff diff;
    int code = EXIT_FAILED;
    matrix_init(&matrix);
    if (window_extent(db, &window, &extent) && window_matrix(db, &window, &matrix)) {
        if (!diff_run(&diff, &matrix)) {
            cli_error(_("the window is too large to compare; narrow it with --site, --region or --since"));
        } else if (options->json) {
            code = print_json(&diff, &window, &extent) ? EXIT_HEALTHY : EXIT_FAILED;
        } else {
            print_head(&diff, &extent);
            diff_print(&diff, stdout);
            code = EXIT_HEALTHY;
        }
        code = code == EXIT_HEALTHY && diff_finding_count(&diff) > 0 ? EXIT_FINDINGS : code;
        diff_done(&diff);
    }
    matrix_done(&matrix);
    return code;
}
