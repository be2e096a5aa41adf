#include "diff/watch.h"

#include <string.h>

/* The words of watch.h's lists. */

struct word {
    int number;
    const char *name;
};

#define WATCH_WORD(symbol, number, name) {number, name},
static const struct word places[] = {PLACE_KINDS(WATCH_WORD)};
static const struct word kinds[] = {INCIDENT_KINDS(WATCH_WORD)};
static const struct word changes[] = {INCIDENT_CHANGES(WATCH_WORD)};
enum {
    PLACES = sizeof places / sizeof places[0],
    KINDS = sizeof kinds / sizeof kinds[0],
    CHANGES = sizeof changes / sizeof changes[0]
};

static const char *name_of(const struct word *words, size_t count, int number)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].number == number)
            return words[i].name;
    return "?";
}

static const struct word *word_of(const struct word *words, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    return NULL;
}

const char *place_kind_name(int kind)
{
    return name_of(places, PLACES, kind);
}

const char *incident_kind_name(int kind)
{
    return name_of(kinds, KINDS, kind);
}

const char *incident_change_name(int change)
{
    return name_of(changes, CHANGES, change);
}

bool place_kind_from_name(const char *name, enum place_kind *ret_kind)
{
    const struct word *word = word_of(places, PLACES, name);
    if (word != NULL)
        *ret_kind = (enum place_kind)word->number;
    return word != NULL;
}

bool incident_kind_from_name(const char *name, enum incident_kind *ret_kind)
{
    const struct word *word = word_of(kinds, KINDS, name);
    if (word != NULL)
        *ret_kind = (enum incident_kind)word->number;
    return word != NULL;
}
