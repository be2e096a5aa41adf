#include "cli/i18n.h"
#include "cli/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Finding a verb of one or two words in a program's table, and saying which was meant when there is none. */

enum { VERBS_MOST = 64 };

const struct cli_verb *cli_verb_at(const struct cli_program *program, size_t index)
{
    size_t count = 0;
    while (program->verbs[count] != NULL)
        count++;
    return index < count ? program->verbs[index] : index == count ? &cli_verb_completion : NULL;
}

/* Does the first word of the verb's name equal the word? */
static bool verb_begins(const struct cli_verb *verb, const char *word)
{
    size_t length = strcspn(verb->name, " ");
    return verb->name[length] == ' ' && strlen(word) == length && strncmp(verb->name, word, length) == 0;
}

bool cli_is_group(const struct cli_program *program, const char *word)
{
    const struct cli_verb *verb;
    for (size_t i = 0; (verb = cli_verb_at(program, i)) != NULL; i++)
        if (verb_begins(verb, word))
            return true;
    return false;
}

const struct cli_verb *cli_find_verb(const struct cli_program *program, int count, char **words,
                                     int *ret_words)
{
    const struct cli_verb *verb;
    for (size_t i = 0; (verb = cli_verb_at(program, i)) != NULL; i++) {
        const char *space = strchr(verb->name, ' ');
        bool match = space == NULL
                         ? strcmp(verb->name, words[0]) == 0
                         : count > 1 && verb_begins(verb, words[0]) && strcmp(space + 1, words[1]) == 0;
        if (match) {
            *ret_words = space == NULL ? 1 : 2;
            return verb;
        }
    }
    return NULL;
}

int cli_unknown_verb(const struct cli_program *program, int count, char **words)
{
    const char *names[VERBS_MOST];
    size_t found = 0;
    for (const struct cli_verb *verb; found < VERBS_MOST && (verb = cli_verb_at(program, found)) != NULL;
         found++)
        names[found] = verb->name;
    bool group = cli_is_group(program, words[0]);
    bool second = count > 1 && words[1][0] != '-';
    if (group && !second)
        return cli_usage(_("\"%s\" needs a second word; see %s %s --help"), words[0], program->name,
                         words[0]);
    char *both = NULL;
    if (second && asprintf(&both, "%s %s", words[0], words[1]) < 0)
        both = NULL;
    const char *two = both != NULL ? cli_nearest(both, names, found) : NULL;
    const char *one = group ? NULL : cli_nearest(words[0], names, found);
    const char *nearest = one != NULL ? one : two;
    const char *given = both != NULL && (group || (one == NULL && two != NULL)) ? both : words[0];
    if (nearest != NULL)
        (void)cli_usage(_("unknown verb \"%s\" (did you mean \"%s\"?)"), given, nearest);
    else
        (void)cli_usage(_("unknown verb \"%s\"; see %s --help"), given, program->name);
    free(both);
    return EXIT_USAGE;
}
