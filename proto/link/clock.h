#ifndef PARALLAX_LINK_CLOCK_H
#define PARALLAX_LINK_CLOCK_H

#include <stdint.h>

/** CLOCK_REALTIME, microseconds since the Unix epoch. May be wrong and may step. */
int64_t clock_wall_us(void);

/** CLOCK_MONOTONIC, microseconds since some fixed moment. Never steps. */
int64_t clock_mono_us(void);

#endif
