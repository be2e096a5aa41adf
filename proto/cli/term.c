#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_UNKNOWN = 80, WIDTH_LEAST = 20, WIDTH_MOST = 1000, HEIGHT_UNKNOWN = 24 };

static struct {
    FILE *memory;
    FILE *shown;
} composing;

void term_compose(FILE *memory, FILE *shown)
{
    composing.memory = memory;
    composing.shown = shown;
}

static int term_fileno(FILE *stream)
{
    return fileno(stream == composing.memory ? composing.shown : stream);
}

bool term_is_tty(FILE *stream)
{
    const char *term = getenv("TERM");
    if (term != NULL && strcmp(term, "dumb") == 0)
        return false;
    return isatty(term_fileno(stream)) == 1;
}

bool term_has_colour(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR");
    return (no_colour == NULL || no_colour[0] == '\0') && term_is_tty(stream);
}

static bool width_is_sane(unsigned long width)
{
    return width >= WIDTH_LEAST && width <= WIDTH_MOST;
}

unsigned term_width(FILE *stream)
{
    const char *columns = getenv("COLUMNS");
    if (columns != NULL) {
        char *end;
        unsigned long width = strtoul(columns, &end, 10);
        if (end != columns && *end == '\0' && width_is_sane(width))
            return (unsigned)width;
    }
    struct winsize size;
    if (ioctl(term_fileno(stream), TIOCGWINSZ, &size) == 0 && width_is_sane(size.ws_col))
        return size.ws_col;
    return WIDTH_UNKNOWN;
}

unsigned term_height(FILE *stream)
{
    struct winsize size;
    if (ioctl(term_fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        return size.ws_row;
    return HEIGHT_UNKNOWN;
}

void term_print(FILE *stream, enum term_style style, const char *text)
{
    static const char *const codes[] = {
        [TERM_PLAIN] = "", [TERM_BOLD] = "1",  [TERM_DIM] = "2",  [TERM_GOOD] = "32",
        [TERM_BAD] = "31", [TERM_WARN] = "33", [TERM_HEAD] = "1",
    };
    if (style == TERM_PLAIN || text[0] == '\0' || !term_has_colour(stream))
        (void)fputs(text, stream);
    else
        (void)fprintf(stream, "\x1b[%sm%s\x1b[0m", codes[style], text);
}
