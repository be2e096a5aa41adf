#include "show/report.h"

#include "cli/i18n.h"
#include "cli/term.h"
#include "link/clock.h"
#include "show/verdict.h"
#include "words/attempt_json.h"
#include "words/conclusion_json.h"

#include <errno.h>
#include <stdlib.h>

enum { PROGRESS_EVERY_US = 100 * 1000 };

static void flush(struct report *report)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    if (!report->broken)
        report->error = errno;
    report->broken = true;
    clearerr(stdout); /* the caller says what there is to say; once */
}

static void progress_clear(struct report *report)
{
    if (report->progress_drawn)
        (void)fputs("\r\033[K", stderr);
    report->progress_drawn = false;
}

void report_begin(struct report *report)
{
    report->progress = report->list && term_is_tty(stderr);
    if (report->format == REPORT_JSON)
        (void)printf("{\"schema\":%d,\"cases\":[", (int)ATTEMPT_JSON_SCHEMA);
}

static void case_text(struct report *report, const struct case_file *file,
                      const struct conclusion *conclusion)
{
    const struct attempt *first = file->attempts[0];
    if (report->list) {
        show_verdict_line(stdout, file, conclusion, report->name_width);
    } else {
        if (report->shown > 0)
            (void)fputc('\n', stdout);
        show_verdict(stdout, file, conclusion);
    }
    if (report->chain && first->tls.chain_count > 0) {
        if (!report->list)
            (void)fputc('\n', stdout);
        show_pem(stdout, first);
    }
}

static bool put_value(FILE *out, json_t *value)
{
    bool put = value != NULL && json_dumpf(value, out, JSON_COMPACT) == 0;
    json_decref(value);
    return put;
}

static bool put_case(FILE *out, enum report_format format, const struct case_file *file,
                     const struct conclusion *conclusion)
{
    if (format == REPORT_JSON)
        return put_value(out, case_json(file, conclusion));
    bool put = true;
    for (size_t i = 0; i < file->count && put; i++)
        put = put_value(out, case_attempt_json(file, i)) && fputc('\n', out) != EOF;
    return put && put_value(out, verdict_line_json(file, conclusion)) && fputc('\n', out) != EOF;
}

char *report_compose(const struct report *report, const struct case_file *file,
                     const struct conclusion *conclusion)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = report->format == REPORT_TEXT ? NULL : open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    bool put = put_case(out, report->format, file, conclusion);
    if (fclose(out) == 0 && put)
        return text;
    free(text);
    return NULL;
}

/* In an array of JSON, with the comma that it wants before each but the first. */
static void print_composed(struct report *report, const char *composed)
{
    if (composed == NULL) {
        report->broken = true;
        report->error = ENOMEM;
        return;
    }
    if (report->format == REPORT_JSON)
        (void)fputs(report->shown == 0 ? "\n" : ",\n", stdout);
    (void)fputs(composed, stdout);
}

void report_case(struct report *report, const struct case_file *file, const struct conclusion *conclusion,
                 const char *composed)
{
    if (report->broken)
        return;
    progress_clear(report);
    if (report->format == REPORT_TEXT)
        case_text(report, file, conclusion);
    else
        print_composed(report, composed);
    report->shown++;
    flush(report);
}

void report_progress(struct report *report, const struct show_counts *counts, size_t total)
{
    int64_t now_us = clock_mono_us();
    if (!report->progress || now_us - report->progress_us < PROGRESS_EVERY_US)
        return;
    report->progress_us = now_us;
    report->progress_drawn = true;
    (void)fputc('\r', stderr);
    (void)fprintf(stderr, _("%zu of %zu probed, %zu failed"), counts->endpoints, total, counts->failed);
    (void)fputs("\033[K", stderr);
    (void)fflush(stderr);
}

void report_end(struct report *report, const struct show_counts *counts)
{
    progress_clear(report);
    if (report->broken)
        return;
    if (report->format == REPORT_JSON) {
        (void)fputs("\n],\"summary\":", stdout);
        (void)show_summary_json(stdout, counts);
        (void)fputs("}\n", stdout);
    } else if (report->format == REPORT_TEXT && report->list) {
        show_summary(stdout, counts);
    }
    flush(report);
}
