#include "cli/i18n.h"
#include "cli/term.h"
#include "show/show.h"

#include <string.h>

/* The words that a case is summed up with. */

enum standing { STANDING_OK, STANDING_FAIL, STANDING_NOT_TRIED, STANDING_SET_ASIDE };

static enum standing standing(const struct case_file *file, const struct conclusion *conclusion)
{
    struct outcome first = file->outcomes[0];
    bool local = strncmp(cause_row(conclusion->cause)->id, "local.", 6) == 0;
    if (outcome_is_ok(first))
        return conclusion->cause == CAUSE_NONE ? STANDING_OK : STANDING_FAIL;
    if (!outcome_is_failure(first))
        return STANDING_NOT_TRIED;
    return local ? STANDING_SET_ASIDE : STANDING_FAIL; /* the vantage's own fault is nobody's failure */
}

const char *show_status(const struct case_file *file, const struct conclusion *conclusion)
{
    static const char *const words[] = {
        [STANDING_OK] = N_("ok"),
        [STANDING_FAIL] = N_("FAIL"),
        [STANDING_NOT_TRIED] = N_("not tried"),
        [STANDING_SET_ASIDE] = N_("set aside"),
    };
    return _(words[standing(file, conclusion)]);
}

int show_status_style(const struct case_file *file, const struct conclusion *conclusion)
{
    static const enum term_style styles[] = {
        [STANDING_OK] = TERM_GOOD,
        [STANDING_FAIL] = TERM_BAD,
        [STANDING_NOT_TRIED] = TERM_WARN,
        [STANDING_SET_ASIDE] = TERM_WARN,
    };
    return (int)styles[standing(file, conclusion)];
}
