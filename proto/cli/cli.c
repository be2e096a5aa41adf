#include "cli/cli.h"
#include "cli/i18n.h"
#include "cli/program.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * From argv to a verb that runs:
 *
 *   1. the language, wherever --lang stands, so that every message after it is in that language
 *   2. options before the verb          parallax-agent --lang zh probe ...
 *   3. the verb, of one or two words    site add
 *   4. its options and operands, in any order, by getopt_long from its table
 *   5. the verb itself, with its options as a list of (id, value)
 */

enum { OPTIONS_MOST = 64, LONG_BASE = 1000 /* getopt's value for row i of a table: above every letter */ };

struct given {
    int id;
    const char *value;
};

struct cli_args {
    struct given *given;
    size_t given_count, next;
    char **operands;
    size_t operand_count;
};

/* A verb's rows and the common ones, as getopt wants them. */
struct parser {
    const struct cli_option *rows[OPTIONS_MOST];
    struct option longs[OPTIONS_MOST + 1];
    char letters[OPTIONS_MOST * 2 + 2];
    size_t count;
};

static const struct cli_program *running;

const struct cli_option cli_common_options[] = {
    {"help", 'h', NULL, COMMON_HELP, N_("show this help")},
    {"lang", 0, "en|zh", COMMON_LANG, N_("language of the output; by default that of the locale")},
    {NULL, 0, NULL, 0, NULL},
};

const struct cli_option cli_program_options[] = {
    {"help", 'h', NULL, COMMON_HELP, N_("show this help")},
    {"version", 0, NULL, COMMON_VERSION, N_("show the version")},
    {"lang", 0, "en|zh", COMMON_LANG, N_("language of the output; by default that of the locale")},
    {NULL, 0, NULL, 0, NULL},
};

static const struct cli_option hidden_options[] = {
    {"dump-options", 0, NULL, COMMON_DUMP, ""},
    {NULL, 0, NULL, 0, NULL},
};

int cli_next(struct cli_args *args, const char **ret_value)
{
    if (args->next == args->given_count)
        return 0;
    const struct given *given = &args->given[args->next++];
    *ret_value = given->value;
    return given->id;
}

size_t cli_operand_count(const struct cli_args *args)
{
    return args->operand_count;
}

const char *cli_operand(const struct cli_args *args, size_t index)
{
    return index < args->operand_count ? args->operands[index] : NULL;
}

static int run_completion(struct cli_args *args)
{
    const char *shell = cli_operand(args, 0);
    if (strcmp(shell, "bash") != 0)
        return cli_usage(_("no completion for shell \"%s\"; there is one for bash"), shell);
    cli_completion_bash(running);
    return EXIT_HEALTHY;
}

const struct cli_verb cli_verb_completion = {
    .name = "completion",
    .operands = "bash",
    .min_operands = 1,
    .max_operands = 1,
    .summary = N_("print a completion script for the shell"),
    .run = run_completion,
};

static void parser_add(struct parser *parser, const struct cli_option *rows)
{
    for (; rows != NULL && rows->name != NULL && parser->count < OPTIONS_MOST; rows++) {
        size_t index = parser->count++;
        parser->rows[index] = rows;
        parser->longs[index] = (struct option){
            .name = rows->name,
            .has_arg = rows->argument != NULL ? required_argument : no_argument,
            .val = LONG_BASE + (int)index,
        };
        if (rows->letter == 0 || strchr(parser->letters + 1, rows->letter) != NULL)
            continue;
        size_t at = strlen(parser->letters);
        parser->letters[at] = rows->letter;
        parser->letters[at + 1] = rows->argument != NULL ? ':' : '\0';
    }
}

/* @param mode  '+' to stop at the first operand, '\0' to gather operands from anywhere. */
static void parser_init(struct parser *parser, char mode, const struct cli_option *rows,
                        const struct cli_option *more)
{
    *parser = (struct parser){.count = 0};
    parser->letters[0] = mode != '\0' ? mode : ':';
    if (mode != '\0')
        parser->letters[1] = ':';
    parser_add(parser, rows);
    parser_add(parser, more);
    opterr = 0;
    optind = 0; /* makes glibc begin anew */
}

static const struct cli_option *parser_row(const struct parser *parser, int value)
{
    if (value >= LONG_BASE && (size_t)(value - LONG_BASE) < parser->count)
        return parser->rows[value - LONG_BASE];
    for (size_t i = 0; i < parser->count; i++)
        if (parser->rows[i]->letter != 0 && parser->rows[i]->letter == value)
            return parser->rows[i];
    return NULL;
}

static int unknown_long_option(const struct parser *parser, const char *word)
{
    const char *names[OPTIONS_MOST];
    size_t length = strcspn(word + 2, "="), alike = 0;
    char *name = strndup(word + 2, length);
    if (name == NULL)
        return EXIT_FAILED;
    for (size_t i = 0; i < parser->count; i++) {
        names[i] = parser->rows[i]->name;
        alike += strncmp(names[i], name, length) == 0;
    }
    const char *nearest = cli_nearest(name, names, parser->count);
    if (alike > 1)
        (void)cli_usage(_("option --%s is ambiguous"), name);
    else if (nearest != NULL)
        (void)cli_usage(_("unknown option --%s (did you mean --%s?)"), name, nearest);
    else
        (void)cli_usage(_("unknown option --%s"), name);
    free(name);
    return EXIT_USAGE;
}

/* What getopt refused: `problem` is its '?' or ':'. */
static int bad_option(const struct parser *parser, int problem, char **argv)
{
    const struct cli_option *row = optopt != 0 ? parser_row(parser, optopt) : NULL;
    if (row != NULL && problem == ':')
        return cli_usage(_("option --%s needs an argument: %s"), row->name, row->argument);
    if (row != NULL)
        return cli_usage(_("option --%s takes no argument"), row->name);
    if (optopt != 0)
        return cli_usage(_("unknown option -%c"), optopt);
    return unknown_long_option(parser, argv[optind - 1]);
}

static bool is_language(const char *text)
{
    return strcmp(text, "en") == 0 || strcmp(text, "zh") == 0;
}

/* Sets it again for one that find_language could not see, such as an abbreviated --lan. */
static int take_language(const char *text)
{
    if (!is_language(text))
        return cli_usage(_("--lang: \"%s\" is none of en, zh"), text);
    cli_set_language(text);
    return EXIT_HEALTHY;
}

/* The last good --lang of the line; a bad one is complained about where options are parsed. */
static const char *find_language(int argc, char **argv)
{
    const char *language = NULL;
    for (int i = 1; i < argc && argv[i] != NULL && strcmp(argv[i], "--") != 0; i++) {
        const char *value = strncmp(argv[i], "--lang=", 7) == 0              ? argv[i] + 7
                            : strcmp(argv[i], "--lang") == 0 && i + 1 < argc ? argv[i + 1]
                                                                             : NULL;
        if (value != NULL && is_language(value))
            language = value;
    }
    return language;
}

static void print_version(const struct cli_program *program)
{
    (void)printf("%s %s\n", program->name, PARALLAX_VERSION);
}

static int check_operands(const struct cli_program *program, const struct cli_verb *verb,
                          const struct cli_args *args)
{
    int count = (int)args->operand_count;
    if (count < verb->min_operands)
        return cli_usage(_("%s needs %s; see %s %s --help"), verb->name, verb->operands, program->name,
                         verb->name);
    if (verb->max_operands >= 0 && count > verb->max_operands)
        return cli_usage(_("%s: unexpected operand \"%s\""), verb->name, args->operands[verb->max_operands]);
    return EXIT_HEALTHY;
}

/* @param ret_done  true when there is nothing left to run: help was shown, or the code is an error's. */
static int parse_options(const struct cli_program *program, const struct cli_verb *verb, int argc,
                         char **argv, struct cli_args *args, bool *ret_done)
{
    struct parser parser;
    int value, code = EXIT_HEALTHY;
    parser_init(&parser, '\0', verb->options, cli_common_options);
    *ret_done = true;
    while ((value = getopt_long(argc, argv, parser.letters, parser.longs, NULL)) != -1) {
        if (value == '?' || value == ':')
            return bad_option(&parser, value, argv);
        const struct cli_option *row = parser_row(&parser, value);
        if (row->id == COMMON_HELP) {
            cli_help_verb(program, verb, stdout);
            return EXIT_HEALTHY;
        }
        if (row->id != COMMON_LANG)
            args->given[args->given_count++] = (struct given){.id = row->id, .value = optarg};
        else if ((code = take_language(optarg)) != EXIT_HEALTHY)
            return code;
    }
    args->operands = argv + optind;
    args->operand_count = (size_t)(argc - optind);
    code = check_operands(program, verb, args);
    *ret_done = code != EXIT_HEALTHY;
    return code;
}

/* argv[0] is the last word of the verb. */
static int run_verb(const struct cli_program *program, const struct cli_verb *verb, int argc, char **argv)
{
    struct cli_args args = {.given_count = 0};
    size_t letters = 1; /* "-abc" holds three options */
    for (int i = 0; i < argc; i++)
        letters += strlen(argv[i]) + 1;
    args.given = calloc(letters, sizeof *args.given);
    if (args.given == NULL) {
        cli_error(_("out of memory"));
        return EXIT_FAILED;
    }
    bool done;
    int code = parse_options(program, verb, argc, argv, &args, &done);
    if (!done)
        code = verb->run(&args);
    free(args.given);
    return code;
}

/* Options before the verb. @param ret_done  true when they were all there was to do. */
static int program_options(const struct cli_program *program, int argc, char **argv, bool *ret_done)
{
    struct parser parser;
    int value, code;
    parser_init(&parser, '+', cli_program_options, hidden_options);
    *ret_done = true;
    while ((value = getopt_long(argc, argv, parser.letters, parser.longs, NULL)) != -1) {
        if (value == '?' || value == ':')
            return bad_option(&parser, value, argv);
        int id = parser_row(&parser, value)->id;
        if (id == COMMON_LANG && (code = take_language(optarg)) != EXIT_HEALTHY)
            return code;
        if (id == COMMON_LANG)
            continue;
        if (id == COMMON_HELP)
            cli_help_program(program, NULL, stdout);
        else if (id == COMMON_VERSION)
            print_version(program);
        else
            cli_dump_options(program);
        return EXIT_HEALTHY;
    }
    *ret_done = false;
    return EXIT_HEALTHY;
}

static int dispatch(const struct cli_program *program, int argc, char **argv)
{
    bool done;
    int code = program_options(program, argc, argv, &done);
    if (done)
        return code;
    int first = optind, words = 0;
    if (first >= argc) {
        cli_help_program(program, NULL, stderr);
        return EXIT_USAGE;
    }
    const struct cli_verb *verb = cli_find_verb(program, argc - first, argv + first, &words);
    if (verb != NULL)
        return run_verb(program, verb, argc - first - words + 1, argv + first + words - 1);
    bool help =
        argc - first > 1 && (strcmp(argv[first + 1], "--help") == 0 || strcmp(argv[first + 1], "-h") == 0);
    if (help && cli_is_group(program, argv[first])) {
        cli_help_program(program, argv[first], stdout);
        return EXIT_HEALTHY;
    }
    return cli_unknown_verb(program, argc - first, argv + first);
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
    running = program;
    cli_set_program_name(program->name);
    cli_set_language(find_language(argc, argv));
    (void)signal(SIGPIPE, SIG_IGN);
    int code = dispatch(program, argc, argv);
    errno = 0;
    bool unwritten = fflush(stdout) != 0 || ferror(stdout);
    if (!unwritten || errno == EPIPE) /* a reader that has seen enough is no error */
        return code;
    cli_error(_("cannot write the output: %s"), strerror(errno));
    return EXIT_FAILED;
}
