#include "sweep/tally.h"

#include "cli/i18n.h"
#include "cli/term.h"

#include <inttypes.h>

_Static_assert((int)OUTCOME_HTTP_OTHER < (int)TALLY_CLASSES, "a class has no place in a tally");

void tally_add(struct tally *tally, const struct endpoint *endpoint, struct outcome outcome)
{
    char *example = tally->examples[outcome.class];
    tally->attempts++;
    tally->counts[outcome.class]++;
    if (example[0] == '\0')
        (void)endpoint_text(endpoint, example);
}

struct tally_sums tally_sums(const struct tally *tally)
{
    struct tally_sums sums = {.ok = tally->counts[OUTCOME_OK]};
    for (int class = 0; class < TALLY_CLASSES; class ++) {
        struct outcome outcome;
        if (tally->counts[class] == 0 || !outcome_from_numbers(class, RAW_NONE, 0, &outcome))
            continue;
        if (outcome_is_failure(outcome))
            sums.failed += tally->counts[class];
        else if (!outcome_is_ok(outcome))
            sums.not_tried += tally->counts[class];
    }
    return sums;
}

struct showing {
    const struct tally *tally;
    FILE *out;
};

static void show_class(enum outcome_class class, void *arg)
{
    const struct showing *showing = arg;
    uint64_t count = showing->tally->counts[class];
    if (count == 0)
        return;
    const char *text = class == OUTCOME_OK ? _("answered") : _(outcome_class_text(class));
    unsigned width = text_width(text);
    enum { TEXT_COLUMN = 40 };
    (void)fprintf(showing->out, "  %10" PRIu64 "  %s", count, text);
    if (class == OUTCOME_OK) {
        (void)fputc('\n', showing->out);
        return;
    }
    (void)fprintf(showing->out, "%*s", width < TEXT_COLUMN ? (int)(TEXT_COLUMN - width) : 1, "");
    /* The names of endpoints are checked when a list is read: nothing in them is raw. */
    (void)fprintf(showing->out, _("such as %s\n"), showing->tally->examples[class]);
}

void tally_show(const struct tally *tally, uint64_t endpoints, FILE *out)
{
    struct tally_sums sums = tally_sums(tally);
    struct showing showing = {tally, out};
    unsigned long long attempts = tally->attempts, count = endpoints;
    if (attempts != count) /* a name is tried in both families */
        (void)fprintf(out, ngettext("%llu attempt at ", "%llu attempts at ", attempts), attempts);
    (void)fprintf(out, ngettext("%llu endpoint: ", "%llu endpoints: ", count), count);
    (void)fprintf(out, _("%llu answered, %llu failed"), (unsigned long long)sums.ok,
                  (unsigned long long)sums.failed);
    if (sums.not_tried > 0)
        (void)fprintf(out, _(", %llu not tried"), (unsigned long long)sums.not_tried);
    (void)fputc('\n', out);
    if (sums.failed + sums.not_tried > 0)
        outcome_each_class(show_class, &showing);
}
