#ifndef PARALLAX_COLLECTOR_OUTLET_RECEIVER_H
#define PARALLAX_COLLECTOR_OUTLET_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>

/* Who is told of incidents. */

enum receiver_kind { RECEIVER_ALERTMANAGER, RECEIVER_WEBHOOK };
enum { RECEIVERS_MAX = 16, RECEIVER_NAME_BYTES = 200, RECEIVER_TOKEN_BYTES = 4096 };

struct receiver {
    enum receiver_kind kind;
    char *url; /* what is posted to; may hold a secret, so it is shown nowhere */
    /* Shown instead: scheme, host and port, and eight digits that tell apart what differs in the rest. */
    char name[RECEIVER_NAME_BYTES];
    const char *token; /* borrowed: sent as a bearer token; NULL: none */
};

/**
 * @param url  of an Alertmanager its base, of a webhook the whole.
 * @return false when it is no http or https URL, or without memory; *ret_why then says it (static text, untranslated).
 */
bool receiver_init(struct receiver *receiver, enum receiver_kind kind, const char *url, const char **ret_why);
void receiver_done(struct receiver *receiver);

/** Reads a token: the first line of a file, without its end. @return false with *ret_why (static text). */
bool receiver_token(const char *path, char out[RECEIVER_TOKEN_BYTES], const char **ret_why);

#endif
