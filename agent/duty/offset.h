#ifndef PARALLAX_DUTY_OFFSET_H
#define PARALLAX_DUTY_OFFSET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How far the collector's clock is from our monotonic one. Pure: every time is given.
 *
 * An exchange says: sent at s (ours), received at r and answered at a (the collector's), back at b (ours). Its round
 * trip is (b - s) - (a - r), and the collector's clock minus ours is ((r - s) + (a - b)) / 2, wrong by at most half the
 * round trip, however unlike the two ways are. While it ages, two clocks drift apart, 100 ppm at the most (RFC 5905's
 * PHI is 15 ppm for good ones; cheap servers are worse). So of the recent exchanges, the one wins whose half round trip
 * plus drift since then is smallest.
 */
enum { OFFSET_SAMPLES = 16, OFFSET_DRIFT_PPM = 100 };

struct offset_sample {
    int64_t offset_us;
    int64_t half_trip_us;
    int64_t at_us; /* our monotonic clock */
};

/** Zeroed is "not known yet". */
struct offset {
    struct offset_sample samples[OFFSET_SAMPLES];
    unsigned count;
    unsigned next;
};

/** Forgets all, as when another collector, with another clock, answers. */
void offset_clear(struct offset *offset);

/**
 * Adds an exchange; arguments as above, microseconds.
 * @return false, and nothing is added, when the figures contradict each other (a peer's nonsense).
 */
bool offset_add(struct offset *offset, int64_t sent_us, int64_t received_us, int64_t answered_us,
                int64_t back_us);

/**
 * @param mono_us         our monotonic clock now.
 * @param ret_offset_us   what to add to our monotonic clock to get collector time.
 * @param ret_error_us    the most it can be wrong by; may be NULL.
 * @return false while no exchange is known.
 */
bool offset_get(const struct offset *offset, int64_t mono_us, int64_t *ret_offset_us, uint64_t *ret_error_us);

#endif
