#ifndef PARALLAX_SWEEP_LIST_H
#define PARALLAX_SWEEP_LIST_H

#include "words/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The endpoints of a sweep, one after another, out of operands and files that are never held in memory:
 *
 *     host, host:port, [v6]:port, https://host     what `probe` takes
 *     203.0.113.0/24, 203.0.113.0/24:8443          every address of a network; [2001:db8::/120]:8443
 *     CSV                                          when the first line has a comma: it names the columns, of which target (or
 *                                                  host), port, sni and address count
 *
 * "#" begins a comment, and empty lines are skipped. What cannot be read twice (a pipe) is copied to a temporary file first, so
 * that a list can be checked as a whole before anything is sent, and read from its beginning for every pass.
 */

enum {
    SWEEP_LINE_MAX = 4096,
    SWEEP_NETWORK_MAX_BITS = 24, /* of addresses in one network */
    SWEEP_COMPLAINTS = 10        /* that are made of one list */
};

struct sweep_list;

enum sweep_list_result { SWEEP_LIST_ENTRY, SWEEP_LIST_BAD, SWEEP_LIST_END };

/** Where the last entry came from, and what is wrong with it. Valid until the next call. */
struct sweep_place {
    const char *name; /* of the file; NULL: an operand */
    size_t line;
    const char *text;
    const char *why; /* of SWEEP_LIST_BAD: what was expected, a gettext msgid */
};

/** @return NULL without memory. */
struct sweep_list *sweep_list_new(void);
void sweep_list_free(struct sweep_list *list);

/** Adds an operand. Borrowed. @return false without memory. */
bool sweep_list_add(struct sweep_list *list, const char *text);

/** Adds a file, "-" for standard input. @return 0 or an errno. */
int sweep_list_add_file(struct sweep_list *list, const char *path);

/** Goes back to the beginning. @return 0 or an errno. */
int sweep_list_rewind(struct sweep_list *list);

/**
 * The next endpoint. @param ret_endpoint  its texts live until the next call.
 * @return SWEEP_LIST_BAD for a line that is none; the next call goes on after it.
 */
enum sweep_list_result sweep_list_next(struct sweep_list *list, struct endpoint *ret_endpoint);

/** Passes over what is left of a network that the last call began. @return how many addresses that were. */
uint64_t sweep_list_pass_network(struct sweep_list *list);

void sweep_list_place(const struct sweep_list *list, struct sweep_place *ret_place);

#endif
