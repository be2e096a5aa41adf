#include "show/report.h"

#include "cli/i18n.h"
#include "cli/term.h"
#include "link/clock.h"
#include "show/verdict.h"
#include "words/attempt_json.h"
#include "words/conclusion_json.h"

#include <errno.h>

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

/* A JSON value on a line of its own, or with the comma that an array wants before it. */
static void print_value(struct report *report, json_t *value, bool first)
{
    if (report->format == REPORT_JSON)
        (void)fputs(first ? "\n" : ",\n", stdout);
    bool printed = value != NULL && json_dumpf(value, stdout, JSON_COMPACT) == 0;
    json_decref(value);
    if (!printed && !ferror(stdout)) {
        report->broken = true;
        report->error = ENOMEM;
    }
    if (report->format == REPORT_NDJSON)
        (void)fputc('\n', stdout);
}

void report_case(struct report *report, const struct case_file *file, const struct conclusion *conclusion)
{
    if (report->broken)
        return;
    progress_clear(report);
    switch (report->format) {
    case REPORT_TEXT:
        case_text(report, file, conclusion);
        break;
    case REPORT_JSON:
        print_value(report, case_json(file, conclusion), report->shown == 0);
        break;
    case REPORT_NDJSON:
        for (size_t i = 0; i < file->count; i++)
            print_value(report, case_attempt_json(file, i), false);
        print_value(report, verdict_line_json(file, conclusion), false);
        break;
    }
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
