#include "outlet/screen.h"

#include "cli/i18n.h"
#include "cli/term.h"
#include "words/buf.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Control sequences of xterm, which every terminal of the last decades takes: the other screen, the cursor, line wrapping,
 * and "show it all at once" (mode 2026, ignored where it is unknown). */
static const char enter[] = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
static const char leave[] = "\x1b[?7h\x1b[?25h\x1b[?1049l";
static const char begin[] = "\x1b[?2026h\x1b[H";
static const char end[] = "\x1b[J\x1b[?2026l";
static const char end_of_line[] = "\x1b[K";

static struct termios before;
static bool keyboard;
static bool entered;

static bool screen_write(const void *bytes, size_t length)
{
    return fwrite(bytes, 1, length, stdout) == length && fflush(stdout) == 0;
}

void screen_enter(void)
{
    struct termios raw;
    keyboard = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before) == 0;
    if (keyboard) {
        raw = before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stopped program could not give the terminal back */
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    entered = screen_write(enter, strlen(enter));
}

void screen_leave(void)
{
    if (entered)
        (void)screen_write(leave, strlen(leave));
    if (keyboard)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
    entered = keyboard = false;
}

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

bool screen_draw(const char *text, size_t length)
{
    struct buf frame;
    size_t rows = term_height(stdout), lines = count_lines(text, length);
    size_t shown = lines <= rows ? lines : rows - 1;
    buf_init(&frame, 0);
    bool whole = buf_text(&frame, begin);
    for (size_t i = 0; whole && i < shown; i++) {
        const char *line_end = memchr(text, '\n', length);
        size_t line = (size_t)(line_end - text);
        whole = (i == 0 || buf_text(&frame, "\r\n")) && buf_append(&frame, text, line) &&
                buf_text(&frame, end_of_line);
        text += line + 1;
        length -= line + 1;
    }
    if (whole && shown < lines)
        whole = buf_text(&frame, shown == 0 ? "" : "\r\n") &&
                buf_printf(&frame, _("... %zu more lines; a larger terminal shows them"), lines - shown) &&
                buf_text(&frame, end_of_line);
    whole = whole && buf_text(&frame, end) && screen_write(frame.data, frame.len);
    buf_done(&frame);
    return whole;
}

char screen_key(void)
{
    char key = 0;
    return keyboard && read(STDIN_FILENO, &key, 1) == 1 ? key : 0;
}
