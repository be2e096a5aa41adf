#include "log.h"

#include "cli/term.h"
#include "link/clock.h"
#include "words/buf.h"
#include "words/units.h"

#include <stdarg.h>
#include <stdio.h>

enum { LOG_LINE_BYTES = 2048, LOG_ABOUT_BYTES = 500 };

/* A bucket of tokens, one a line. */
struct budget {
    const char *what;
    int64_t burst, per_second;
    int64_t left_us; /* tokens, in microseconds of refilling; -1: not used yet */
    int64_t at_us;
    unsigned long long left_out;
};

static struct budget budgets[LOG_ABOUT_COUNT] = {
    [LOG_STRANGERS] = {.what = "connections without a name", .burst = 50, .per_second = 1, .left_us = -1},
    [LOG_VANTAGES] = {.what = "vantages", .burst = 5000, .per_second = 20, .left_us = -1}};

static void log_write(const char *text, size_t length)
{
    char time[UNITS_TIME_BYTES];
    struct buf line;
    buf_init(&line, 0);
    if (buf_printf(&line, "%s ", time_rfc3339(clock_wall_us(), 3, time)) && text_safe(&line, text, length) &&
        buf_byte(&line, '\n'))
        (void)fwrite(line.data, 1, line.len, stderr);
    buf_done(&line);
}

static void log_list(size_t most, const char *format, va_list list)
{
    static const char cut[] = "...";
    char text[LOG_LINE_BYTES + sizeof cut];
    int length = vsnprintf(text, most, format, list);
    if (length < 0)
        return;
    size_t shown = (size_t)length;
    if (shown >= most) {
        shown = most - 1;
        for (const char *c = cut; *c != '\0'; c++)
            text[shown++] = *c;
    }
    log_write(text, shown);
}

void log_line(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    log_list(LOG_LINE_BYTES, format, list);
    va_end(list);
}

static void budget_refill(struct budget *budget)
{
    int64_t now_us = clock_mono_us(), most_us = budget->burst * US_PER_S;
    int64_t gone_us = now_us - budget->at_us;
    budget->at_us = now_us;
    if (budget->left_us < 0 || gone_us > most_us / budget->per_second)
        budget->left_us = most_us;
    else
        budget->left_us += gone_us * budget->per_second;
    if (budget->left_us > most_us)
        budget->left_us = most_us;
}

/* @return false when there is no room. */
static bool budget_take(struct budget *budget)
{
    if (budget->left_us < US_PER_S)
        return false;
    budget->left_us -= US_PER_S;
    return true;
}

void log_left_out(int always)
{
    for (unsigned about = 0; about < LOG_ABOUT_COUNT; about++) {
        struct budget *budget = &budgets[about];
        budget_refill(budget);
        if (budget->left_out == 0 || (!budget_take(budget) && !always))
            continue;
        log_line("%llu more lines about %s were left out", budget->left_out, budget->what);
        budget->left_out = 0;
    }
}

void log_about(enum log_about about, const char *format, ...)
{
    struct budget *budget = &budgets[about];
    va_list list;
    budget_refill(budget);
    if (!budget_take(budget)) {
        budget->left_out++;
        return;
    }
    va_start(list, format);
    log_list(LOG_ABOUT_BYTES, format, list);
    va_end(list);
}
