#include "cli/i18n.h"
#include "cli/program.h"
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>

/* --help for the program and for each verb, and --dump-options: all read from the tables. */

enum { LEFT_MOST = 30, HELP_WIDTH_MOST = 100 };

static unsigned help_width(FILE *stream)
{
    unsigned width = term_width(stream);
    return width > HELP_WIDTH_MOST ? HELP_WIDTH_MOST : width;
}

static void print_buf(struct buf *text, FILE *stream)
{
    if (text->len > 0)
        (void)fwrite(text->data, 1, text->len, stream);
    buf_done(text);
}

static void print_wrapped(const char *text, unsigned indent, FILE *stream)
{
    struct buf out;
    buf_init(&out, 0);
    (void)text_wrap(&out, text, indent, help_width(stream));
    print_buf(&out, stream);
}

/* "  left   text that is wrapped under itself", with the text on its own line when left is too wide. */
static void print_entry(const char *left, const char *text, unsigned column, FILE *stream)
{
    unsigned used = text_width(left) + 2;
    struct buf out;
    buf_init(&out, 0);
    (void)fprintf(stream, "  %s", left);
    if (text[0] != '\0' && text_wrap(&out, text, column, help_width(stream))) {
        if (used + 2 <= column) {
            (void)fprintf(stream, "%*s", (int)(column - used), "");
            buf_drop(&out, column);
        } else {
            (void)fputc('\n', stream);
        }
        print_buf(&out, stream);
    } else {
        buf_done(&out);
        (void)fputc('\n', stream);
    }
}

/* "-j, --concurrency N" into memory the caller frees. */
static char *option_left(const struct cli_option *option)
{
    struct buf out;
    buf_init(&out, 0);
    bool written = option->letter != 0 ? buf_printf(&out, "-%c, ", option->letter) : buf_text(&out, "    ");
    written = written && buf_printf(&out, "--%s", option->name);
    if (written && option->argument != NULL)
        (void)buf_printf(&out, " %s", option->argument);
    char *left = buf_take(&out);
    if (left == NULL)
        abort();
    return left;
}

static unsigned widest_option(const struct cli_option *options, unsigned widest)
{
    for (; options != NULL && options->name != NULL; options++) {
        char *left = option_left(options);
        unsigned width = text_width(left);
        if (width > widest && width <= LEFT_MOST)
            widest = width;
        free(left);
    }
    return widest;
}

static void print_options(const struct cli_option *options, unsigned column, FILE *stream)
{
    for (; options != NULL && options->name != NULL; options++) {
        char *left = option_left(options);
        print_entry(left, T_(options->help), column, stream);
        free(left);
    }
}

static bool in_group(const struct cli_verb *verb, const char *group)
{
    size_t length = group == NULL ? 0 : strlen(group);
    return length == 0 || (strncmp(verb->name, group, length) == 0 && verb->name[length] == ' ');
}

static void print_verbs(const struct cli_program *program, const char *group, FILE *stream)
{
    unsigned widest = 0;
    const struct cli_verb *verb;
    for (size_t i = 0; (verb = cli_verb_at(program, i)) != NULL; i++)
        if (in_group(verb, group) && text_width(verb->name) > widest)
            widest = text_width(verb->name);
    term_print(stream, TERM_HEAD, _("Verbs:"));
    (void)fputc('\n', stream);
    for (size_t i = 0; (verb = cli_verb_at(program, i)) != NULL; i++)
        if (in_group(verb, group))
            print_entry(verb->name, T_(verb->summary), widest + 4, stream);
}

void cli_help_program(const struct cli_program *program, const char *group, FILE *stream)
{
    if (group != NULL) {
        print_verbs(program, group, stream);
        return;
    }
    (void)fprintf(stream, _("Usage: %s VERB [OPTION...] [OPERAND...]\n"), program->name);
    print_wrapped(T_(program->summary), 2, stream);
    (void)fputc('\n', stream);
    print_verbs(program, NULL, stream);
    (void)fputc('\n', stream);
    term_print(stream, TERM_HEAD, _("Options:"));
    (void)fputc('\n', stream);
    print_options(cli_program_options, widest_option(cli_program_options, 0) + 4, stream);
    (void)fputc('\n', stream);
    (void)fprintf(stream, _("Each verb has its own --help: %s VERB --help\n"), program->name);
    print_wrapped(_("Exit code: 0 healthy, 1 findings, 2 wrong usage, 3 could not do it."), 0, stream);
}

void cli_help_verb(const struct cli_program *program, const struct cli_verb *verb, FILE *stream)
{
    const char *gap = verb->operands[0] != '\0' ? " " : "";
    (void)fprintf(stream, _("Usage: %s %s [OPTION...]%s%s\n"), program->name, verb->name, gap,
                  verb->operands);
    print_wrapped(T_(verb->summary), 2, stream);
    (void)fputc('\n', stream);
    unsigned column = widest_option(cli_common_options, widest_option(verb->options, 0)) + 4;
    term_print(stream, TERM_HEAD, _("Options:"));
    (void)fputc('\n', stream);
    print_options(verb->options, column, stream);
    print_options(cli_common_options, column, stream);
}

static void dump(const char *verb, const struct cli_option *options)
{
    for (; options != NULL && options->name != NULL; options++)
        (void)printf("%s\t--%s\n", verb, options->name);
}

void cli_dump_options(const struct cli_program *program)
{
    dump("-", cli_program_options);
    const struct cli_verb *verb;
    for (size_t i = 0; (verb = cli_verb_at(program, i)) != NULL; i++) {
        dump(verb->name, verb->options);
        dump(verb->name, cli_common_options);
    }
}
