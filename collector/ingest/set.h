#ifndef PARALLAX_COLLECTOR_INGEST_SET_H
#define PARALLAX_COLLECTOR_INGEST_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sets that are filled, then sorted once, then asked. Zeroed is empty; free() of the array ends one. The texts are array
 * parameters of PostgreSQL, which the caller frees; NULL without memory.
 */

struct number_set {
    int64_t *numbers;
    size_t count;
    size_t room;
};

/** @return false without memory. */
bool number_add(struct number_set *set, int64_t number);
/** Sorts and drops what is there twice. */
void number_sort(struct number_set *set);
char *number_array(const struct number_set *set);

/** A 32-byte hash, with a number beside it (0 at first). */
struct hash_entry {
    uint8_t hash[32];
    int64_t id;
};

struct hash_set {
    struct hash_entry *entries;
    size_t count;
    size_t room;
};

bool hash_add(struct hash_set *set, const uint8_t hash[32]);
void hash_sort(struct hash_set *set);
/** @return NULL when it is not there. The set has to be sorted. */
struct hash_entry *hash_find(const struct hash_set *set, const uint8_t hash[32]);
char *hash_array(const struct hash_set *set);

#endif
