#ifndef PARALLAX_COLLECTOR_OUTLET_TELLER_H
#define PARALLAX_COLLECTOR_OUTLET_TELLER_H

#include "outlet/receiver.h"
#include "store/pg.h"

#include <stdbool.h>
#include <stddef.h>

/* Tells receivers of incidents; see teller.c for what is promised. */
struct teller;

struct teller_settings {
    const struct receiver *receivers;
    size_t receiver_count;
    const char *public_url; /* NULL: none */
    /** Is this the collector that tells? */
    bool (*leads)(void *arg);
    void *arg;
};

/** @param settings  copied; what it points to outlives the teller. @return NULL without memory. */
struct teller *teller_new(uv_loop_t *loop, struct pg *pg, const struct teller_settings *settings);

/** Stops; `done` comes from the loop. Then, once its pg is closed, teller_free. */
void teller_stop(struct teller *teller, void (*done)(void *arg), void *arg);
void teller_free(struct teller *teller);

/** The database came, or went. */
void teller_ready(struct teller *teller);
void teller_lost(struct teller *teller);

/** Something happened to an incident. */
void teller_changed(struct teller *teller);

#endif
