#include "show/report.h"

#include "cli/i18n.h"
#include "cli/term.h"
#include "link/clock.h"
#include "words/attempt_json.h"

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
        (void)printf("{\"schema\":%d,\"attempts\":[", (int)ATTEMPT_JSON_SCHEMA);
}

static void print_text(struct report *report, const struct shown *shown)
{
    if (report->list) {
        show_line(stdout, shown, report->name_width);
    } else {
        if (report->shown > 0)
            (void)fputc('\n', stdout);
        show_text(stdout, shown);
    }
    if (report->chain && shown->attempt->tls.chain_count > 0) {
        if (!report->list)
            (void)fputc('\n', stdout);
        show_pem(stdout, shown);
    }
}

static void print_json(struct report *report, const struct shown *shown)
{
    if (report->format == REPORT_JSON)
        (void)fputs(report->shown > 0 ? ",\n" : "\n", stdout);
    if (!show_json(stdout, shown) && !ferror(stdout)) {
        report->broken = true;
        report->error = ENOMEM;
    }
    if (report->format == REPORT_NDJSON)
        (void)fputc('\n', stdout);
}

void report_attempt(struct report *report, const struct shown *shown)
{
    if (report->broken)
        return;
    progress_clear(report);
    if (report->format == REPORT_TEXT)
        print_text(report, shown);
    else
        print_json(report, shown);
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
