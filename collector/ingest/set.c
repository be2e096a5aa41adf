#include "ingest/set.h"

#include "store/array.h"

#include <stdlib.h>
#include <string.h>

static int number_compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

bool number_add(struct number_set *set, int64_t number)
{
    if (set->count == set->room) {
        size_t room = set->room == 0 ? 256 : set->room * 2;
        int64_t *numbers = realloc(set->numbers, room * sizeof *numbers);
        if (numbers == NULL)
            return false;
        set->numbers = numbers;
        set->room = room;
    }
    set->numbers[set->count++] = number;
    return true;
}

void number_sort(struct number_set *set)
{
    size_t kept = 0;
    if (set->count > 1)
        qsort(set->numbers, set->count, sizeof *set->numbers, number_compare);
    for (size_t i = 0; i < set->count; i++)
        if (kept == 0 || set->numbers[kept - 1] != set->numbers[i])
            set->numbers[kept++] = set->numbers[i];
    set->count = kept;
}

char *number_array(const struct number_set *set)
{
    struct buf array;
    array_begin(&array);
    for (size_t i = 0; i < set->count; i++)
        (void)array_number(&array, set->numbers[i]);
    return array_take(&array);
}

static int hash_compare(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

bool hash_add(struct hash_set *set, const uint8_t hash[32])
{
    if (set->count == set->room) {
        size_t room = set->room == 0 ? 64 : set->room * 2;
        struct hash_entry *entries = realloc(set->entries, room * sizeof *entries);
        if (entries == NULL)
            return false;
        set->entries = entries;
        set->room = room;
    }
    memcpy(set->entries[set->count].hash, hash, 32);
    set->entries[set->count++].id = 0;
    return true;
}

void hash_sort(struct hash_set *set)
{
    size_t kept = 0;
    if (set->count > 1)
        qsort(set->entries, set->count, sizeof *set->entries, hash_compare);
    for (size_t i = 0; i < set->count; i++)
        if (kept == 0 || hash_compare(set->entries[kept - 1].hash, set->entries[i].hash) != 0)
            set->entries[kept++] = set->entries[i];
    set->count = kept;
}

struct hash_entry *hash_find(const struct hash_set *set, const uint8_t hash[32])
{
    return set->count == 0 ? NULL
                           : bsearch(hash, set->entries, set->count, sizeof *set->entries, hash_compare);
}

char *hash_array(const struct hash_set *set)
{
    struct buf array;
    array_begin(&array);
    for (size_t i = 0; i < set->count; i++)
        (void)array_bytes(&array, set->entries[i].hash, 32);
    return array_take(&array);
}
