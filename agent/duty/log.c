#include "duty/log.h"

#include "cli/term.h"
#include "link/clock.h"
#include "words/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 1024 };

void duty_log(const char *format, ...)
{
    char text[LINE_BYTES], stamp[UNITS_TIME_BYTES];
    struct buf line;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_init(&line, 0);
    if (buf_printf(&line, "%s ", time_rfc3339(clock_wall_us(), 0, stamp)) &&
        text_safe(&line, text, strlen(text)) && buf_text(&line, "\n"))
        (void)fwrite(line.data, 1, line.len, stderr);
    buf_done(&line);
}
