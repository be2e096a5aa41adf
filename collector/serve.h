#ifndef PARALLAX_COLLECTOR_SERVE_H
#define PARALLAX_COLLECTOR_SERVE_H

#include "ingest/ca.h"
#include "ingest/network.h"
#include "outlet/receiver.h"
#include "store/retain.h"

#include <stdbool.h>
#include <stdint.h>

/* What the event loop of `serve` is given; all of it outlives the loop. */
struct serve_settings {
    const char *conninfo;
    const char *database; /* for people: where it is */
    const char *listen;
    const char *metrics;              /* "ADDRESS:PORT"; NULL: nowhere */
    bool metrics_must;                /* it is an error when it cannot be */
    const struct receiver *receivers; /* of alerts */
    size_t receiver_count;
    const char *public_url;           /* NULL: none */
    uint64_t timeout_us;              /* of one attempt */
    int64_t validity_s;               /* of vantages' certificates */
    int expiry_days;                  /* certificates that end sooner make an incident */
    const struct retain_policy *keep; /* NULL: everything, for good */
    bool has_roles;                   /* the database limits what each connection may do */
    int64_t collector_id;             /* its row */
    const struct ca *ca;
    const struct networks *networks; /* NULL: none */
};

enum { SERVE_NAME_BYTES = 320 };

/**
 * What a collector that listens at a place is called among those of its database: the place, or the host's name and the port when the
 * address tells no other host anything.
 */
void serve_name(const char *place, char out[SERVE_NAME_BYTES]);

/** Runs until SIGINT or SIGTERM. @return an exit code. */
int serve_run(const struct serve_settings *settings);

#endif
