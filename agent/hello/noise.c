#include "hello/noise.h"

void noise_init(struct noise *noise, const uint8_t *seed, size_t length)
{
    noise->state = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        noise->state = (noise->state ^ seed[i]) * UINT64_C(0x100000001b3);
}

/* SplitMix64 */
uint32_t noise_next(struct noise *noise)
{
    noise->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = noise->state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((mixed ^ mixed >> 31) >> 32);
}
