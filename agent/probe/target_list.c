#include "probe/target_list.h"

#include "cli/i18n.h"
#include "words/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void target_list_init(struct target_list *list)
{
    *list = (struct target_list){0};
    arena_init(&list->arena, TARGET_LIST_MAX_BYTES);
}

void target_list_done(struct target_list *list)
{
    arena_done(&list->arena);
    free(list->endpoints);
    *list = (struct target_list){0};
}

static bool grow(struct target_list *list)
{
    if (list->count < list->capacity)
        return true;
    size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
    struct endpoint *endpoints =
        capacity > PLAN_MAX_ENDPOINTS * 2u ? NULL : realloc(list->endpoints, capacity * sizeof *endpoints);
    if (endpoints == NULL)
        return false;
    list->endpoints = endpoints;
    list->capacity = capacity;
    return true;
}

bool target_list_add(struct target_list *list, const char *text, const char **ret_why)
{
    if (!grow(list)) {
        *ret_why = N_("too many targets");
        return false;
    }
    struct endpoint *endpoint = &list->endpoints[list->count];
    *endpoint = (struct endpoint){0};
    if (!target_parse(text, &list->arena, endpoint, ret_why))
        return false;
    if (endpoint->site == NULL)
        endpoint->site = "";
    if (endpoint->sni == NULL)
        endpoint->sni = "";
    list->count++;
    return true;
}

/* Cuts the comment and the blanks around. @return NULL when nothing is left. */
static char *trim(char *line)
{
    line[strcspn(line, "#\r\n")] = '\0';
    line += strspn(line, " \t");
    size_t length = strlen(line);
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        line[--length] = '\0';
    return length == 0 ? NULL : line;
}

static enum target_list_result read_lines(struct target_list *list, FILE *file, const char *path,
                                          target_list_complain complain)
{
    char line[TARGET_LIST_LINE_MAX];
    size_t number = 0, bad = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        number++;
        size_t length = strlen(line);
        const char *why = N_("line too long");
        bool whole = length + 1 < sizeof line || line[length - 1] == '\n';
        char *text = whole ? trim(line) : line;
        if (text == NULL || (whole && target_list_add(list, text, &why)))
            continue;
        if (!whole)
            text[32] = '\0';
        if (bad++ < TARGET_LIST_COMPLAINTS)
            complain(path, number, text, why);
        if (!whole)
            return TARGET_LIST_BAD_LINES;
    }
    if (ferror(file)) {
        complain(path, 0, "", strerror(errno));
        return TARGET_LIST_NO_FILE;
    }
    return bad == 0 ? TARGET_LIST_READ : TARGET_LIST_BAD_LINES;
}

enum target_list_result target_list_read(struct target_list *list, const char *path,
                                         target_list_complain complain)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (file == NULL) {
        complain(path, 0, "", strerror(errno));
        return TARGET_LIST_NO_FILE;
    }
    enum target_list_result result = read_lines(list, file, path, complain);
    if (!standard)
        (void)fclose(file);
    return result;
}
