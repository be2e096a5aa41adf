#include "duty/pace.h"

#include <stdlib.h>
#include <string.h>

/*
 * A bucket is one number: the moment at which it would be empty of debt, counted as in the generic cell rate algorithm
 * (ITU-T I.371): each token moves `due_us` one period on, and a bucket whose due_us lies in the past is full. The table is
 * direct-mapped with a short probe; when all places of a probe are taken, the one nearest to full gives way, and leaves its debt
 * to the address that takes its place. So flooding it with addresses neither makes the agent grow nor forget what it spent:
 * addresses that share a place share its rate.
 */

enum { PROBE_PLACES = 8, SECOND_US = 1000 * 1000 };

struct bucket {
    struct address address; /* none: free */
    int64_t due_us;
};

struct pace {
    int64_t period_us;
    int64_t burst_us; /* how far due_us may run ahead and still go */
    int64_t all_period_us;
    int64_t all_due_us;
    size_t places;
    struct bucket buckets[];
};

void pace_set(struct pace *pace, const struct pace_rates *rates)
{
    pace->period_us = INT64_C(1000000000) / (rates->per_second_milli > 0 ? rates->per_second_milli : 1);
    pace->burst_us = pace->period_us * (rates->burst > 0 ? rates->burst - 1 : 0);
    pace->all_period_us = rates->all_per_second > 0 ? SECOND_US / rates->all_per_second : 0;
}

struct pace *pace_new(const struct pace_rates *rates)
{
    size_t places = rates->addresses > 0 ? rates->addresses : PACE_ADDRESSES;
    struct pace *pace = calloc(1, sizeof *pace + places * sizeof pace->buckets[0]);
    if (pace == NULL)
        return NULL;
    pace->places = places;
    pace_set(pace, rates);
    return pace;
}

void pace_free(struct pace *pace)
{
    free(pace);
}

/* FNV-1a: an attacker who makes addresses collide gains what flooding would give him anyway. */
static size_t bucket_start(const struct pace *pace, const struct address *address)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < address->length; i++)
        hash = (hash ^ address->bytes[i]) * 16777619U;
    return hash % pace->places;
}

static struct bucket *bucket_find(struct pace *pace, const struct address *address)
{
    size_t start = bucket_start(pace, address);
    struct bucket *fullest = &pace->buckets[start];
    for (size_t i = 0; i < PROBE_PLACES; i++) {
        struct bucket *bucket = &pace->buckets[(start + i) % pace->places];
        if (address_equal(&bucket->address, address))
            return bucket;
        if (bucket->due_us < fullest->due_us)
            fullest = bucket;
    }
    fullest->address = *address;
    return fullest;
}

int64_t pace_reserve(struct pace *pace, const struct address *address, int64_t now_us, int64_t patience_us)
{
    struct bucket *bucket = bucket_find(pace, address);
    if (bucket->due_us < now_us)
        bucket->due_us = now_us;
    int64_t wait_us = bucket->due_us - pace->burst_us - now_us;
    if (wait_us > patience_us)
        return -1;
    bucket->due_us += pace->period_us;
    return wait_us > 0 ? wait_us : 0;
}

bool pace_spend_any(struct pace *pace, int64_t now_us)
{
    if (pace->all_due_us < now_us)
        pace->all_due_us = now_us;
    if (pace->all_due_us - now_us > SECOND_US - pace->all_period_us)
        return false;
    pace->all_due_us += pace->all_period_us;
    return true;
}

bool pace_spend(struct pace *pace, const struct address *address, int64_t now_us)
{
    return pace_reserve(pace, address, now_us, PACE_MAX_DEBT * pace->period_us) >= 0;
}
