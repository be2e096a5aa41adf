#ifndef PARALLAX_HELLO_NOISE_H
#define PARALLAX_HELLO_NOISE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes that only have to look like others, in place of which nobody expects sense, and which keep no secret: cheap, and the same
 * again from the same seed. Never for keys that are used.
 */
struct noise {
    uint64_t state;
};

void noise_init(struct noise *noise, const uint8_t *seed, size_t length);
uint32_t noise_next(struct noise *noise);

#endif
