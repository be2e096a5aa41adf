#ifndef PARALLAX_CLI_CLI_H
#define PARALLAX_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Verbs and options are tables: parsing, --help, shell completion and the man page check all read the same rows.
 * A verb may have two words ("token create", "site add").
 */

enum { EXIT_HEALTHY = 0, EXIT_FINDINGS = 1, EXIT_USAGE = 2, EXIT_FAILED = 3 };

struct cli_option {
    const char *name;     /* long name, without dashes */
    char letter;          /* short form, or 0 */
    const char *argument; /* placeholder such as "FILE"; NULL for a flag */
    int id;               /* what cli_next returns; 1 or more, unique in the verb */
    const char *help;     /* N_() text, no full stop */
};

struct cli_args;

struct cli_verb {
    const char *name;     /* "probe", "site add" */
    const char *operands; /* "TARGET...", "" for none */
    int min_operands;
    int max_operands;                  /* -1: any number */
    const char *summary;               /* N_() one line */
    const struct cli_option *options;  /* ended by a row with name NULL; NULL for none */
    int (*run)(struct cli_args *args); /* returns an exit code */
};

struct cli_program {
    const char *name;
    const char *summary;
    const struct cli_verb *const *verbs; /* ended by NULL; each cmd_*.c exports its own `verb_*` */
};

/**
 * Picks the verb, answers --help, --version, --lang and `completion bash`, sets locale and translations, ignores
 * SIGPIPE, and runs the verb.
 * Unknown verbs and options, missing arguments and wrong operand counts end with one line on stderr (with the nearest known
 * word) and EXIT_USAGE before the verb runs.
 */
int cli_main(const struct cli_program *program, int argc, char **argv);

/** Next option given by the user: its id, or 0 when there are no more. *ret_value is its argument, or NULL. */
int cli_next(struct cli_args *args, const char **ret_value);

/** Operands (all that is not an option), in order. Valid for the life of the program. */
size_t cli_operand_count(const struct cli_args *args);
const char *cli_operand(const struct cli_args *args, size_t index);

/** "parallax-agent: text" on stderr, one line, control characters escaped. The format is already translated. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The same with "warning: ". */
void cli_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** cli_error, then EXIT_USAGE: `return cli_usage("...")`. */
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Reads an option's number. @param option  its long name, without dashes. On failure prints which option, what was given and the range, and returns false. */
bool cli_number(const char *option, const char *text, int64_t min, int64_t max, int64_t *ret_value);

/** Reads a duration (units.h). The same contract. */
bool cli_span(const char *option, const char *text, int64_t min_us, int64_t max_us, int64_t *ret_us);

/** One of names[0..count): its index, or -1 after printing the choices and the nearest. */
int cli_choice(const char *option, const char *text, const char *const *names, size_t count);

/** The word of candidates (count of them) nearest to text within a third of its length; NULL when none is near. */
const char *cli_nearest(const char *text, const char *const *candidates, size_t count);

/** Name of the running program, "parallax-agent". */
const char *cli_program_name(void);

#endif
