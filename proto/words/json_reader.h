#ifndef PARALLAX_WORDS_JSON_READER_H
#define PARALLAX_WORDS_JSON_READER_H

#include "words/address.h"
#include "words/arena.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a JSON document that anybody may have written, key by key. A key that is absent or null gives what the caller
 * names for it; one of a wrong kind, or out of range, fails the reader, which then knows where it is and what was
 * expected. The first failure stays; whoever reads may check once at the end. Keys that nobody took are counted.
 */
enum { JSON_PATH_BYTES = 160, JSON_WHY_BYTES = 240 };

struct json_reader {
    struct arena *arena; /* where texts go */
    uint64_t unknown;    /* keys that nobody took */
    bool failed;
    char path[JSON_PATH_BYTES]; /* of what is wrong: "tls.records[3].length" */
    char why[JSON_WHY_BYTES];   /* "expected an integer from 0 to 255, got the text \"x\"" */
};

#define JSON_NO_INDEX SIZE_MAX

/** One object on the way down. Lives on the stack of who reads it. */
struct json_part {
    struct json_reader *reader;
    const struct json_part *up; /* NULL: the document */
    const char *key;            /* in up */
    size_t index;               /* in the array under key; JSON_NO_INDEX: no array */
    const json_t *value;        /* NULL: absent or null */
    size_t taken;
};

/** The document itself; fails when it is no object. */
struct json_part json_document(struct json_reader *reader, const json_t *value);

/** The object under a key; its value is NULL when there is none. json_part_end it. */
struct json_part json_object_in(struct json_part *part, const char *key);

/** An item of the array under a key, which must be an object. json_part_end it. */
struct json_part json_item_in(const struct json_part *part, const char *key, const json_t *array,
                              size_t index);

/** Counts the keys that nobody took. */
void json_part_end(const struct json_part *part);

/** Fails the reader at a key. @param expected  what should stand there. */
void json_wrong(const struct json_part *part, const char *key, const char *expected);

/** Is the key there, be it as null? Does not take it. */
bool json_has(const struct json_part *part, const char *key);

/** The value under a key, NULL when it is absent or null. */
const json_t *json_take(struct json_part *part, const char *key);

int64_t json_read_int(struct json_part *part, const char *key, int64_t least, int64_t most, int64_t absent);
uint32_t json_read_u32(struct json_part *part, const char *key);
uint64_t json_read_u63(struct json_part *part, const char *key); /* up to INT64_MAX */
bool json_read_bool(struct json_part *part, const char *key);    /* false when absent */

/** A text of at most max bytes, in the reader's arena. "" when absent; NULL never. */
const char *json_read_text(struct json_part *part, const char *key, size_t max);

/** RFC 3339. @return Unix microseconds. */
int64_t json_read_time(struct json_part *part, const char *key, int64_t absent);

/** "203.0.113.7". @return none when absent. */
struct address json_read_address(struct json_part *part, const char *key);

/** Hex of at most room bytes. @return how many. */
size_t json_read_hex(struct json_part *part, const char *key, uint8_t *out, size_t room);

/** The text of one of the numbers 0 to most, by what `name` calls them. */
int json_read_choice(struct json_part *part, const char *key, const char *(*name)(int), int most, int absent);

/** {"number": N, "name": ...}, or N, or the name alone. 0 when absent. `name` gives NULL or "" for what has none. */
int json_read_number(struct json_part *part, const char *key, const char *(*name)(int), int most);

/** An array of at most max items. @return NULL when absent, with *ret_count 0. */
const json_t *json_read_array(struct json_part *part, const char *key, size_t max, size_t *ret_count);

/** The texts of an array, in the reader's arena. */
const char **json_read_texts(struct json_part *part, const char *key, size_t max, size_t max_bytes,
                             size_t *ret_count);

/** Room for count items in the reader's arena; NULL (and failed) at its bound. */
void *json_room(const struct json_part *part, const char *key, size_t count, size_t size);

#endif
