#ifndef PARALLAX_PROBE_TARGET_LIST_H
#define PARALLAX_PROBE_TARGET_LIST_H

#include "words/arena.h"
#include "words/plan.h"

#include <stdbool.h>
#include <stddef.h>

/* The endpoints of one command: operands and lines of list files, in order. Owns their texts. */
struct target_list {
    struct arena arena;
    struct endpoint *endpoints;
    size_t count;
    size_t capacity;
};

enum { TARGET_LIST_LINE_MAX = 4096, TARGET_LIST_COMPLAINTS = 10, TARGET_LIST_MAX_BYTES = 256 * 1024 * 1024 };
enum target_list_result { TARGET_LIST_READ, TARGET_LIST_BAD_LINES, TARGET_LIST_NO_FILE };

void target_list_init(struct target_list *list);
void target_list_done(struct target_list *list);

/** Adds one target. @param ret_why  static text: what is wrong with it. */
bool target_list_add(struct target_list *list, const char *text, const char **ret_why);

/**
 * Adds a file's lines: one target each, "#" begins a comment, blank lines are skipped.
 * @param path      "-" for standard input.
 * @param complain  called for each bad line, the first TARGET_LIST_COMPLAINTS of them; line 0: the file itself, with why.
 */
typedef void (*target_list_complain)(const char *path, size_t line, const char *text, const char *why);
enum target_list_result target_list_read(struct target_list *list, const char *path,
                                         target_list_complain complain);

#endif
