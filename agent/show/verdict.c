#include "show/verdict.h"

#include "cli/i18n.h"
#include "show/show.h"

void show_verdict(FILE *out, const struct case_file *file, const struct conclusion *conclusion)
{
    const struct shown first = {file->attempts[0], file->endpoint, file->outcomes[0]};
    show_text(out, &first);
    (void)fprintf(out, "\n  %s\n", _(cause_row(conclusion->cause)->name));
}

void show_verdict_line(FILE *out, const struct case_file *file, const struct conclusion *conclusion,
                       unsigned name_width)
{
    const struct shown first = {file->attempts[0], file->endpoint, file->outcomes[0]};
    (void)conclusion;
    show_line(out, &first, name_width);
}
