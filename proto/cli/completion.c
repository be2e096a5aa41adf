#include "cli/program.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/*
 * A bash completion script made from the tables. It finds the verb among the words typed so far, then offers
 * second words, options, and what fits an option's argument: files, folders, or the choices of "a|b|c".
 */

/* "parallax-agent" as a part of a function's name. */
static void print_identifier(const char *name)
{
    for (; *name != '\0'; name++)
        (void)putchar(isalnum((unsigned char)*name) ? *name : '_');
}

static void print_option_words(const struct cli_option *options)
{
    for (; options != NULL && options->name != NULL; options++)
        (void)printf(" --%s", options->name);
}

/* Is this the first verb of its group (so that its first word is printed once)? */
static bool first_of_group(const struct cli_program *program, size_t index)
{
    const char *name = cli_verb_at(program, index)->name;
    size_t length = strcspn(name, " ");
    for (size_t i = 0; i < index; i++) {
        const char *other = cli_verb_at(program, i)->name;
        if (strcspn(other, " ") == length && strncmp(other, name, length) == 0)
            return false;
    }
    return true;
}

static void print_first_words(const struct cli_program *program)
{
    const struct cli_verb *verb;
    for (size_t i = 0; (verb = cli_verb_at(program, i)) != NULL; i++)
        if (first_of_group(program, i))
            (void)printf(" %.*s", (int)strcspn(verb->name, " "), verb->name);
}

static void print_second_words(const struct cli_program *program, const char *first, size_t length)
{
    const struct cli_verb *verb;
    for (size_t i = 0; (verb = cli_verb_at(program, i)) != NULL; i++)
        if (strncmp(verb->name, first, length) == 0 && verb->name[length] == ' ')
            (void)printf(" %s", verb->name + length + 1);
}

/* case lines: a first word that needs a second -> the seconds. */
static void print_groups(const struct cli_program *program)
{
    const struct cli_verb *verb;
    for (size_t i = 0; (verb = cli_verb_at(program, i)) != NULL; i++) {
        size_t length = strcspn(verb->name, " ");
        if (verb->name[length] == '\0' || !first_of_group(program, i))
            continue;
        (void)printf("    %.*s) seconds=\"", (int)length, verb->name);
        print_second_words(program, verb->name, length);
        (void)printf("\" ;;\n");
    }
}

/* The words of "matrix|diff" or "NAME|any" that stand for themselves; a placeholder is in capitals. */
static void print_choices(const char *text)
{
    for (size_t length; *text != '\0' && *text != ' '; text += length + (text[length] == '|')) {
        length = strcspn(text, "| ");
        if (islower((unsigned char)text[0]))
            (void)printf("%.*s ", (int)length, text);
    }
}

static bool takes(const struct cli_option *option, const char *argument)
{
    return strcmp(option->argument, argument) == 0;
}

static void print_argument(const char *verb, const struct cli_option *option)
{
    (void)printf("    \"%s --%s\"", verb, option->name);
    if (option->letter != 0)
        (void)printf("|\"%s -%c\"", verb, option->letter);
    if (takes(option, "FILE")) {
        (void)printf(") COMPREPLY=($(compgen -f -- \"$now\")); return ;;\n");
    } else if (takes(option, "DIR")) {
        (void)printf(") COMPREPLY=($(compgen -d -- \"$now\")); return ;;\n");
    } else if (strchr(option->argument, '|') != NULL) {
        (void)printf(") COMPREPLY=($(compgen -W \"");
        print_choices(option->argument);
        (void)printf("\" -- \"$now\")); return ;;\n");
    } else {
        (void)printf(") return ;;\n");
    }
}

static void print_arguments(const char *verb, const struct cli_option *options)
{
    for (; options != NULL && options->name != NULL; options++)
        if (options->argument != NULL)
            print_argument(verb, options);
}

static void print_verb_arguments(const struct cli_program *program)
{
    const struct cli_verb *verb;
    print_arguments("", cli_program_options);
    for (size_t i = 0; (verb = cli_verb_at(program, i)) != NULL; i++) {
        print_arguments(verb->name, verb->options);
        print_arguments(verb->name, cli_common_options);
    }
}

static void print_verb_words(const struct cli_program *program)
{
    const struct cli_verb *verb;
    for (size_t i = 0; (verb = cli_verb_at(program, i)) != NULL; i++) {
        (void)printf("    \"%s\") operands=\"", verb->name);
        print_choices(verb->operands);
        (void)printf("\" options=\"");
        print_option_words(verb->options);
        print_option_words(cli_common_options);
        (void)printf("\" ;;\n");
    }
}

/* Words that stand before the cursor and are no options make up the verb; an argument of --lang is none of
 * them. */
static const char find_verb_text[] =
    "    local now=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} first= verb= seconds= "
    "options= word i\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        case $word in --lang) ((i++)); continue ;; -*) continue ;; esac\n"
    "        if [[ -z $first ]]; then first=$word verb=$word\n"
    "        elif [[ -n $seconds && $verb == \"$first\" ]]; then verb=\"$first $word\"\n"
    "        else break; fi\n"
    "        case $first in\n";

void cli_completion_bash(const struct cli_program *program)
{
    (void)printf("# bash completion for %s\n_", program->name);
    print_identifier(program->name);
    (void)printf("()\n{\n%s", find_verb_text);
    print_groups(program);
    (void)printf("        esac\n    done\n    COMPREPLY=()\n    case \"$verb $before\" in\n");
    print_verb_arguments(program);
    (void)printf("    esac\n    if [[ -z $first ]]; then\n        operands=\"");
    print_first_words(program);
    (void)printf("\" options=\"");
    print_option_words(cli_program_options);
    (void)printf("\"\n    elif [[ -n $seconds && $verb == \"$first\" ]]; then\n        operands=$seconds "
                 "options=--help\n");
    (void)printf("    else case \"$verb\" in\n");
    print_verb_words(program);
    (void)printf("    esac; fi\n");
    (void)printf("    [[ $now == -* ]] && operands=$options\n");
    (void)printf("    COMPREPLY=($(compgen -W \"$operands\" -- \"$now\"))\n}\ncomplete -o default -F _");
    print_identifier(program->name);
    (void)printf(" %s\n", program->name);
}
