#include "show/verdict.h"

#include "cli/cause_say.h"
#include "cli/i18n.h"
#include "cli/term.h"
#include "show/certificate.h"
#include "show/rows.h"
#include "show/show.h"
#include "words/units.h"

#include <string.h>

/*
 * From top to bottom: the answer in one line, the cause's sentence, the stages of the first attempt, its certificate, what
 * the other attempts told, and what to do. Lists have one line a case.
 */

static const char *read_text(const struct buf *text)
{
    return text->data == NULL ? "" : (const char *)text->data;
}

static void print_endpoint(FILE *out, enum term_style style, const struct case_file *file, unsigned width)
{
    char name[ENDPOINT_TEXT_BYTES];
    struct buf safe;
    buf_init(&safe, 0);
    (void)endpoint_text(file->endpoint, name);
    (void)text_safe(&safe, name, strlen(name));
    unsigned have = text_width(read_text(&safe));
    term_print(out, style, read_text(&safe));
    (void)fprintf(out, "%*s", have < width ? (int)(width - have) : 0, "");
    buf_done(&safe);
}

/* "certificate: missing intermediate"; the raw number, with its name, for what no rule knows. */
static void append_cause(struct buf *out, const struct case_file *file, const struct conclusion *conclusion)
{
    const struct cause_row *row = cause_row(conclusion->cause);
    char raw[128];
    cause_title(out, row);
    if (conclusion->cause == CAUSE_UNCLASSIFIED &&
        outcome_raw_text(file->outcomes[0], raw, sizeof raw)[0] != '\0')
        (void)buf_printf(out, _(" (%s)"), raw);
}

static void headline(FILE *out, const struct case_file *file, const struct conclusion *conclusion)
{
    char address[ADDRESS_TEXT_BYTES];
    const struct address *destination = &file->attempts[0]->flow.destination;
    struct buf cause;
    buf_init(&cause, 0);
    print_endpoint(out, TERM_BOLD, file, 0);
    if (destination->length > 0)
        (void)fprintf(out, "  %s", address_text(destination, address));
    (void)fputs("  ", out);
    term_print(out, (enum term_style)show_status_style(file, conclusion), show_status(file, conclusion));
    if (conclusion->cause != CAUSE_NONE) {
        append_cause(&cause, file, conclusion);
        (void)fprintf(out, "  %s", read_text(&cause));
    }
    (void)fputc('\n', out);
    buf_done(&cause);
}

static void sentence(FILE *out, const struct conclusion *conclusion)
{
    struct buf text;
    if (conclusion->cause == CAUSE_NONE)
        return;
    buf_init(&text, 0);
    cause_filled(&text, cause_row(conclusion->cause)->verdict, conclusion);
    (void)fputc('\n', out);
    rows_prose(out, read_text(&text));
    buf_done(&text);
}

/* --- what the other attempts told -------------------------------------------------------------------------------- */

static bool same_result(const struct case_file *file, size_t a, size_t b)
{
    const struct outcome *left = &file->outcomes[a], *right = &file->outcomes[b];
    return file->attempts[a]->variant == file->attempts[b]->variant &&
           strcmp(file->attempts[a]->tls.issuer_url, file->attempts[b]->tls.issuer_url) == 0 &&
           left->class == right->class && left->raw_kind == right->raw_kind && left->raw == right->raw &&
           address_equal(&file->attempts[a]->flow.destination, &file->attempts[b]->flow.destination);
}

static void append_variant(struct buf *out, const struct case_file *file, size_t index, size_t times,
                           unsigned width)
{
    const struct attempt *attempt = file->attempts[index];
    const char *name = variant_name((int)attempt->variant);
    char raw[128], address[ADDRESS_TEXT_BYTES];
    (void)buf_printf(out, "%-*s  %s", (int)width, name, _(outcome_class_text(file->outcomes[index].class)));
    if (outcome_raw_text(file->outcomes[index], raw, sizeof raw)[0] != '\0')
        (void)buf_printf(out, _(" (%s)"), raw);
    if (attempt->variant == VARIANT_OTHER_ADDRESS || attempt->variant == VARIANT_OTHER_FAMILY)
        (void)buf_printf(out, "  %s", address_text(&attempt->flow.destination, address));
    if (file->origins[index] != NULL)
        (void)buf_printf(out, _("  at the origin %s"), address_text(&attempt->flow.destination, address));
    if (attempt->variant == VARIANT_CONTROL_SNI) {
        (void)buf_text(out, "  ");
        (void)text_safe(out, attempt->tls.sni, strlen(attempt->tls.sni));
    }
    if (attempt->variant == VARIANT_ISSUER) {
        (void)buf_text(out, "  ");
        certificate_issuer(out, &attempt->tls);
    }
    if (attempt->variant == VARIANT_OCSP) {
        (void)buf_text(out, "  ");
        certificate_responder(out, &attempt->tls);
    }
    if (times > 1)
        (void)buf_printf(out, _("  %zu times"), times);
}

static void variant_rows(struct rows *rows, const struct case_file *file, struct buf *text)
{
    unsigned width = 0;
    bool first = true;
    for (size_t i = 1; i < file->count; i++) {
        unsigned one = text_width(variant_name((int)file->attempts[i]->variant));
        width = one > width ? one : width;
    }
    for (size_t i = 1, end; i < file->count; i = end) {
        for (end = i + 1; end < file->count && same_result(file, i, end);)
            end++;
        append_variant(text, file, i, end - i, width);
        rows_add(rows, first ? _("attempts") : "", text);
        first = false;
    }
}

static void certainty_rows(struct rows *rows, const struct conclusion *conclusion, struct buf *text)
{
    const struct cause_row *row = cause_row(conclusion->cause);
    bool confirmed = conclusion->certainty == CERTAINTY_CONFIRMED;
    if (row->evidence[0] != '\0') {
        cause_filled(text, row->evidence, conclusion);
        if (strstr(row->verdict, "{when}") == NULL)
            cause_filled(text, N_(" ({when})"), conclusion); /* nothing when that is not known */
        rows_add(rows, confirmed ? _("confirmed") : _("consistent"), text);
    }
}

/* Is the cause in an earlier entry, or in one that names a variant where this one names none? */
static bool is_said_elsewhere(const struct conclusion *conclusion, size_t index)
{
    const struct ruled_out *ruled = conclusion->ruled;
    bool plain = ruled[index].by == VARIANT_NORMAL;
    for (size_t i = 0; i < conclusion->ruled_count; i++) {
        bool other_plain = ruled[i].by == VARIANT_NORMAL;
        if (ruled[i].cause == ruled[index].cause && (other_plain == plain ? i < index : plain))
            return true;
    }
    return false;
}

static void ruled_out_row(struct rows *rows, const struct conclusion *conclusion, struct buf *text)
{
    for (size_t i = 0; i < conclusion->ruled_count; i++) {
        const struct ruled_out *ruled = &conclusion->ruled[i];
        if (is_said_elsewhere(conclusion, i))
            continue;
        (void)buf_printf(text, "%s%s", text->len == 0 ? "" : _(", "), _(cause_row(ruled->cause)->name));
        if (ruled->by != VARIANT_NORMAL)
            (void)buf_printf(text, _(" (by %s)"), variant_name((int)ruled->by));
    }
    if (text->len > 0)
        rows_add(rows, _("ruled out"), text);
}

/* Does every {name} of the text have its fact? */
static bool is_complete(const char *text, const struct conclusion *conclusion)
{
    for (const char *open = strchr(text, '{'); open != NULL; open = strchr(open + 1, '{')) {
        size_t length = strcspn(open + 1, "}"), i = 0;
        while (i < conclusion->fact_count && !(strlen(conclusion->facts[i].key) == length &&
                                               memcmp(conclusion->facts[i].key, open + 1, length) == 0))
            i++;
        if (i == conclusion->fact_count)
            return false;
    }
    return true;
}

static void also_rows(struct rows *rows, const struct conclusion *conclusion, struct buf *text)
{
    for (size_t i = 0; i < conclusion->also_count; i++) {
        const struct cause_row *row = cause_row(conclusion->also[i]);
        if (is_complete(row->verdict, conclusion)) {
            (void)buf_printf(text, _("%s: "), cause_section(row->id));
            cause_filled(text, row->verdict, conclusion);
        } else {
            cause_title(text, row);
        }
        rows_add(rows, i == 0 ? _("also") : "", text);
    }
}

static void remedy_row(struct rows *rows, const struct conclusion *conclusion, struct buf *text)
{
    const char *remedy = cause_remedy(conclusion);
    if (remedy[0] == '\0')
        return;
    cause_filled(text, remedy, conclusion);
    rows_gap(rows);
    rows_add(rows, _("do"), text);
}

void show_verdict(FILE *out, const struct case_file *file, const struct conclusion *conclusion)
{
    struct rows *rows = rows_new(false);
    struct buf text;
    if (rows == NULL)
        return;
    buf_init(&text, 0);
    headline(out, file, conclusion);
    sentence(out, conclusion);
    show_stages(out, file->attempts[0]);
    if (file->attempts[0]->tls.chain_count > 0) {
        rows_gap(rows);
        certificate_rows(rows, file->attempts[0]);
    }
    if (file->count > 1 || conclusion->cause != CAUSE_NONE || conclusion->also_count > 0)
        rows_gap(rows);
    variant_rows(rows, file, &text);
    certainty_rows(rows, conclusion, &text);
    ruled_out_row(rows, conclusion, &text);
    also_rows(rows, conclusion, &text);
    remedy_row(rows, conclusion, &text);
    rows_print(rows, out);
    buf_done(&text);
    rows_free(rows);
}

/* --- lists: a line a case, as they come, so columns are as wide as the caller says --------------------------------- */

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

static void problem(FILE *out, const struct case_file *file, const struct conclusion *conclusion)
{
    char raw[128];
    struct buf cause;
    buf_init(&cause, 0);
    append_cause(&cause, file, conclusion);
    if (conclusion->cause != CAUSE_UNCLASSIFIED &&
        outcome_raw_text(file->outcomes[0], raw, sizeof raw)[0] != '\0')
        (void)buf_printf(&cause, _(" (%s)"), raw);
    (void)fputs(read_text(&cause), out);
    buf_done(&cause);
}

void show_verdict_line(FILE *out, const struct case_file *file, const struct conclusion *conclusion,
                       unsigned name_width)
{
    enum { ADDRESS_WIDTH = 15, STATUS_WIDTH = 4 };
    char address[ADDRESS_TEXT_BYTES];
    const char *status = show_status(file, conclusion);
    print_endpoint(out, TERM_PLAIN, file, name_width);
    (void)address_text(&file->attempts[0]->flow.destination, address);
    (void)fprintf(out, "  %s", address);
    pad(out, address, ADDRESS_WIDTH);
    (void)fputs("  ", out);
    term_print(out, (enum term_style)show_status_style(file, conclusion), status);
    pad(out, status, STATUS_WIDTH);
    (void)fputs("  ", out);
    if (conclusion->cause == CAUSE_NONE)
        success(out, file->attempts[0]);
    else
        problem(out, file, conclusion);
    (void)fputc('\n', out);
}
