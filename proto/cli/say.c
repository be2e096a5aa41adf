#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/program.h"
#include "cli/term.h"
#include "words/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *program_name;

void cli_set_program_name(const char *name)
{
    program_name = name;
}

const char *cli_program_name(void)
{
    return program_name != NULL ? program_name : program_invocation_short_name;
}

static void say(const char *prefix, const char *format, va_list args)
{
    char *raw = NULL;
    struct buf safe;
    buf_init(&safe, 0);
    if (vasprintf(&raw, format, args) < 0)
        raw = NULL;
    bool whole = raw != NULL && text_safe(&safe, raw, strlen(raw)) && buf_byte(&safe, 0);
    (void)fflush(stdout);
    /* programs that go on for months say this too, and have to go on */
    (void)fprintf(stderr, "%s: %s%s\n", cli_program_name(), prefix,
                  whole ? (const char *)safe.data : _("out of memory"));
    buf_done(&safe);
    free(raw);
}

void cli_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("", format, args);
    va_end(args);
}

void cli_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(_("warning: "), format, args);
    va_end(args);
}

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("", format, args);
    va_end(args);
    return EXIT_USAGE;
}
