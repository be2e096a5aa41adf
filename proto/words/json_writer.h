#ifndef PARALLAX_WORDS_JSON_WRITER_H
#define PARALLAX_WORDS_JSON_WRITER_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Building a JSON document without asking after every line: jansson's *_new setters take NULL and report failure, so a part that
 * could not be made (no memory) surfaces as `failed` at the end.
 */
struct writer {
    bool failed;
};

/** Sets object[key]; takes the reference to value, which may be NULL. */
static inline void set(struct writer *writer, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        writer->failed = true;
}

/** Appends to an array; takes the reference to value, which may be NULL. */
static inline void add(struct writer *writer, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        writer->failed = true;
}

/** @return the document, or NULL (and the document is dropped) when any part failed. */
static inline json_t *finish(const struct writer *writer, json_t *value)
{
    if (!writer->failed)
        return value;
    json_decref(value);
    return NULL;
}

#endif
