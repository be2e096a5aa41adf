#ifndef PARALLAX_WORDS_JSON_OUT_H
#define PARALLAX_WORDS_JSON_OUT_H

#include "words/buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * JSON as text, one key after another, for what is written so often that a tree of it would cost more than all the rest. What goes
 * wrong (no memory) shows as `failed` at the end. The key is one of our own words, and NULL in an array and for the whole.
 */
struct json_out {
    struct buf *buf;
    bool failed;
};

void out_object(struct json_out *out, const char *key);
void out_object_end(struct json_out *out);
void out_array(struct json_out *out, const char *key);
void out_array_end(struct json_out *out);

void out_null(struct json_out *out, const char *key);
void out_boolean(struct json_out *out, const char *key, bool value);
void out_integer(struct json_out *out, const char *key, int64_t value);

/** Any bytes: valid UTF-8 as it is, the rest as \xNN. */
void out_text(struct json_out *out, const char *key, const char *text);

/** Bytes as lower-case hex digits. */
void out_hex(struct json_out *out, const char *key, const uint8_t *bytes, size_t length);

/** A tree after all. Takes the reference; NULL: there was no memory for it. */
void out_tree(struct json_out *out, const char *key, json_t *value);

#endif
