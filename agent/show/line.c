#include "cli/i18n.h"
#include "cli/term.h"
#include "show/show.h"
#include "words/units.h"

#include <string.h>

/* Lists: a line an attempt, as they come, so columns are as wide as the caller says. */

static void pad(FILE *out, const char *text, unsigned width)
{
    unsigned have = text_width(text);
    (void)fprintf(out, "%*s", have < width ? (int)(width - have) : 0, "");
}

static void success(FILE *out, const struct attempt *attempt)
{
    char span[UNITS_SPAN_BYTES];
    int days;
    (void)fputs(tls_version_name(attempt->tls.version), out);
    if (attempt->clock.handshake_us != EVIDENCE_NEVER && attempt->clock.connect_us != EVIDENCE_NEVER)
        (void)fprintf(out, "  %s", span_text(attempt->clock.handshake_us - attempt->clock.connect_us, span));
    if (attempt->http.status != 0)
        (void)fprintf(out, "  HTTP %u", attempt->http.status);
    if (show_days_left(attempt, &days))
        (void)fprintf(out, _("  cert %d d"), days);
}

static void problem(FILE *out, struct outcome outcome)
{
    char raw[128];
    (void)fputs(_(outcome_class_text(outcome.class)), out);
    if (outcome_raw_text(outcome, raw, sizeof raw)[0] != '\0')
        (void)fprintf(out, " (%s)", raw);
}

void show_line(FILE *out, const struct shown *shown, unsigned name_width)
{
    enum { ADDRESS_WIDTH = 15, VERDICT_WIDTH = 4 };
    char name[ENDPOINT_TEXT_BYTES], address[ADDRESS_TEXT_BYTES];
    struct buf safe_name;
    buf_init(&safe_name, 0);
    (void)endpoint_text(shown->endpoint, name);
    (void)text_safe(&safe_name, name, strlen(name));
    const char *printed = safe_name.data == NULL ? "" : (const char *)safe_name.data;
    (void)fprintf(out, "%s", printed);
    pad(out, printed, name_width);
    (void)address_text(&shown->attempt->flow.destination, address);
    (void)fprintf(out, "  %s", address);
    pad(out, address, ADDRESS_WIDTH);
    (void)fputs("  ", out);
    const char *verdict = show_status(shown->outcome);
    term_print(out, (enum term_style)show_status_style(shown->outcome), verdict);
    pad(out, verdict, VERDICT_WIDTH);
    (void)fputs("  ", out);
    if (outcome_is_ok(shown->outcome))
        success(out, shown->attempt);
    else
        problem(out, shown->outcome);
    (void)fputc('\n', out);
    buf_done(&safe_name);
}

void show_summary(FILE *out, const struct show_counts *counts)
{
    (void)fprintf(out, ngettext("%zu endpoint: ", "%zu endpoints: ", counts->endpoints), counts->endpoints);
    (void)fprintf(out, _("%zu ok, %zu failed"), counts->ok, counts->failed);
    if (counts->not_tried > 0)
        (void)fprintf(out, _(", %zu not tried"), counts->not_tried);
    (void)fputc('\n', out);
}
