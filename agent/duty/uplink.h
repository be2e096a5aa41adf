#ifndef PARALLAX_DUTY_UPLINK_H
#define PARALLAX_DUTY_UPLINK_H

#include "duty/keeper.h"
#include "duty/offset.h"
#include "duty/renew.h"
#include "duty/round.h"
#include "duty/settings.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* The way to the collector: dials, dials again, and speaks link.proto. See uplink.c. Every call from the loop's thread. */
struct uplink;

struct uplink_deps {
    uv_loop_t *loop;
    struct renew *renew; /* who we are */
    const struct collector_address *collectors;
    size_t collector_count; /* 1 or more; tried in order, from the first again */
    struct spool *spool;
    struct keeper *keeper;
    struct rounds *rounds;
    struct offset *offset; /* learnt here */
    /** The collector will not have us back. */
    void (*on_revoked)(const char *text, void *arg);
    void *arg;
};

/** Everything borrowed. Dials from the loop. @return NULL without memory. */
struct uplink *uplink_new(const struct uplink_deps *deps);

/** The spool has more. */
void uplink_push(struct uplink *uplink);

/** Asks for a list, when there is a session; rounds_ask_again covers the rest. */
void uplink_want_list(struct uplink *uplink, const uint8_t sha256[PLAN_SHA256_BYTES]);

/** Says goodbye, closes, frees, then calls closed(arg) from the loop. */
void uplink_close(struct uplink *uplink, void (*closed)(void *arg), void *arg);

#endif
