#include "duty/offset.h"

#include <stddef.h>

/* Anything beyond is no time of ours: keeps the sums below from overflowing. */
static const int64_t time_bound_us = INT64_C(1) << 60;
static const int64_t longest_trip_us = INT64_C(60) * 1000 * 1000;

void offset_clear(struct offset *offset)
{
    *offset = (struct offset){0};
}

static bool in_bounds(int64_t us)
{
    return us > -time_bound_us && us < time_bound_us;
}

bool offset_add(struct offset *offset, int64_t sent_us, int64_t received_us, int64_t answered_us,
                int64_t back_us)
{
    if (!in_bounds(sent_us) || !in_bounds(received_us) || !in_bounds(answered_us) || !in_bounds(back_us))
        return false;
    int64_t held_us = answered_us - received_us;
    int64_t trip_us = back_us - sent_us - held_us;
    if (held_us < 0 || trip_us < 0 || trip_us > longest_trip_us)
        return false;
    offset->samples[offset->next] = (struct offset_sample){
        .offset_us = (received_us - sent_us) / 2 + (answered_us - back_us) / 2,
        .half_trip_us = trip_us / 2 + 1, /* and what the divisions cut off */
        .at_us = back_us,
    };
    offset->next = (offset->next + 1) % OFFSET_SAMPLES;
    if (offset->count < OFFSET_SAMPLES)
        offset->count++;
    return true;
}

static int64_t sample_error(const struct offset_sample *sample, int64_t mono_us)
{
    int64_t age_us = mono_us > sample->at_us ? mono_us - sample->at_us : 0;
    return sample->half_trip_us + age_us / (1000000 / OFFSET_DRIFT_PPM);
}

bool offset_get(const struct offset *offset, int64_t mono_us, int64_t *ret_offset_us, uint64_t *ret_error_us)
{
    if (offset->count == 0)
        return false;
    const struct offset_sample *best = &offset->samples[0];
    for (unsigned i = 1; i < offset->count; i++)
        if (sample_error(&offset->samples[i], mono_us) < sample_error(best, mono_us))
            best = &offset->samples[i];
    *ret_offset_us = best->offset_us;
    if (ret_error_us != NULL)
        *ret_error_us = (uint64_t)sample_error(best, mono_us);
    return true;
}
