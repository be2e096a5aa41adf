#ifndef PARALLAX_CLI_PROGRAM_H
#define PARALLAX_CLI_PROGRAM_H

#include "cli/cli.h"

#include <stdio.h>

/* What the files of cli/ share about the running program and its tables; nobody else includes this. */

/* Ids of the options that every verb takes; negative, so that they never meet a verb's own. */
enum { COMMON_HELP = -1, COMMON_LANG = -2, COMMON_VERSION = -3, COMMON_DUMP = -4 };

/* --help and --lang; ended by a row with name NULL. */
extern const struct cli_option cli_common_options[];
/* What may stand before the verb. */
extern const struct cli_option cli_program_options[];

/** The index-th verb, the built-in `completion` last; NULL after it. */
const struct cli_verb *cli_verb_at(const struct cli_program *program, size_t index);
extern const struct cli_verb cli_verb_completion;

/** The verb at words[0], with words[1] when its name has two. @param ret_words  how many it took. */
const struct cli_verb *cli_find_verb(const struct cli_program *program, int count, char **words,
                                     int *ret_words);

/** Is the word the first of a verb of two? */
bool cli_is_group(const struct cli_program *program, const char *word);

/** Complains about words that are no verb, naming the nearest. @return EXIT_USAGE. */
int cli_unknown_verb(const struct cli_program *program, int count, char **words);

void cli_set_program_name(const char *name);

/** Usage, verbs and options from the tables. @param group  only verbs whose first word this is; NULL for all.
 */
void cli_help_program(const struct cli_program *program, const char *group, FILE *stream);
void cli_help_verb(const struct cli_program *program, const struct cli_verb *verb, FILE *stream);

/** A bash completion script on stdout. */
void cli_completion_bash(const struct cli_program *program);

/** "verb<TAB>--option" lines on stdout, "-" for what stands before the verb. */
void cli_dump_options(const struct cli_program *program);

/**
 * Sets the locale and the catalogue. Output is UTF-8 whatever the locale's encoding.
 * @param language  "en", "zh", or NULL to take it from the environment.
 */
void cli_set_language(const char *language);

#endif
