#ifndef PARALLAX_SWEEP_HELLO_H
#define PARALLAX_SWEEP_HELLO_H

#include "hello/decoy.h"
#include "words/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The ClientHello of a sweep, one after another. Most of its bytes are those of the one before it when that went to the same server
 * name: then only what has to be new is put in.
 */

enum { SWEEP_HELLO_PATCHES = 4, SWEEP_HELLO_NAME_BYTES = 256 };

/* Bytes of the hello that are random bytes as they are. */
struct sweep_hello_patch {
    size_t at, from, length;
};

struct sweep_hello {
    const struct hello_profile *profile;
    struct buf bytes; /* the hello in its records */
    struct buf message;
    char name[SWEEP_HELLO_NAME_BYTES]; /* that `bytes` were written for */
    unsigned uses;                     /* of them */
    bool patched;                      /* nothing else in them is random: see below */
    size_t patch_count;
    struct sweep_hello_patch patches[SWEEP_HELLO_PATCHES];
};

void sweep_hello_init(struct sweep_hello *hello, const struct hello_profile *profile);
void sweep_hello_done(struct sweep_hello *hello);

/**
 * Makes hello->bytes anew.
 * @param sni     "" for none.
 * @param random  new for each hello.
 * @return false without memory, or when the name does not fit.
 */
bool sweep_hello_make(struct sweep_hello *hello, const char *sni,
                      const uint8_t random[HELLO_DECOY_RANDOM_BYTES]);

#endif
