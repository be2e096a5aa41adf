#ifndef PARALLAX_COLLECTOR_INGEST_DOOR_H
#define PARALLAX_COLLECTOR_INGEST_DOOR_H

#include "words/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Who may come in. Whoever has not yet said which vantage it is, a stranger, costs a connection and a TLS handshake, and may be
 * anybody: there are few of them at a time, and fewer from one address (of IPv6 from one /64, which one subscriber has). Vantages
 * behind one address pass, since each is a stranger for a moment only. Wrong tokens from an address are few in a minute; a
 * secret has 256 bits, so this is about the database's time. No I/O.
 */
enum {
    DOOR_STRANGERS = 1024,
    DOOR_STRANGERS_OF_ADDRESS = 64,
    DOOR_TRIES = 10, /* wrong tokens that an address has; one is given back in DOOR_TRY_MS */
    DOOR_TRY_MS = 6000,
    DOOR_TRIED = 1024, /* addresses whose wrong tokens are remembered */
};

struct door_tried {
    struct address address; /* none: free */
    unsigned wrong;
    int64_t since_ms; /* from when on one is given back each DOOR_TRY_MS */
};

struct door {
    struct address strangers[DOOR_STRANGERS];
    size_t stranger_count;
    struct door_tried tried[DOOR_TRIED];
};

enum door_answer { DOOR_OPEN, DOOR_ADDRESS, DOOR_FULL };

/** A word for a label and a log: "address-limit", "stranger-limit". */
const char *door_answer_name(enum door_answer answer);

/** Counts a stranger when the answer is DOOR_OPEN; door_leave counts it off, once. */
enum door_answer door_enter(struct door *door, const struct address *address);
void door_leave(struct door *door, const struct address *address);

/** May the address try a token? */
bool door_may_try(const struct door *door, const struct address *address, int64_t now_ms);
/** Its token was wrong. */
void door_wrong(struct door *door, const struct address *address, int64_t now_ms);

#endif
