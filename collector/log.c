#include "log.h"

#include "cli/term.h"
#include "link/clock.h"
#include "words/buf.h"
#include "words/units.h"

#include <stdarg.h>
#include <stdio.h>

enum { LOG_LINE_BYTES = 2048 };

void log_line(const char *format, ...)
{
    char text[LOG_LINE_BYTES];
    char time[UNITS_TIME_BYTES];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (length < 0)
        return;
    struct buf line;
    buf_init(&line, 0);
    size_t shown = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    if (buf_printf(&line, "%s ", time_rfc3339(clock_wall_us(), 3, time)) && text_safe(&line, text, shown) &&
        buf_byte(&line, '\n'))
        (void)fwrite(line.data, 1, line.len, stderr);
    buf_done(&line);
}
