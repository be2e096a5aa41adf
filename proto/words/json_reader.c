#include "words/json_reader.h"

#include "words/units.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_TEXT_BYTES = 40 };

/* --- where, and what was expected --- */

static void path_text(const struct json_part *part, char *out, size_t size, size_t *at)
{
    if (part->up == NULL)
        return;
    path_text(part->up, out, size, at);
    int written = part->index == JSON_NO_INDEX
                      ? snprintf(out + *at, size - *at, "%s.", part->key)
                      : snprintf(out + *at, size - *at, "%s[%zu].", part->key, part->index);
    *at += written < 0 ? 0 : (size_t)written;
    if (*at >= size)
        *at = size - 1;
}

static void shown_value(const json_t *value, char *out, size_t size)
{
    if (json_is_string(value))
        (void)snprintf(out, size, "the text \"%.*s\"%s", SHOWN_TEXT_BYTES, json_string_value(value),
                       json_string_length(value) > SHOWN_TEXT_BYTES ? "..." : "");
    else if (json_is_integer(value))
        (void)snprintf(out, size, "%lld", (long long)json_integer_value(value));
    else
        (void)snprintf(out, size, "%s",
                       json_is_object(value)    ? "an object"
                       : json_is_array(value)   ? "an array"
                       : json_is_real(value)    ? "a number with a fraction"
                       : json_is_boolean(value) ? "a boolean"
                                                : "nothing");
}

/* Of an item of an array the index stands in the path; else it is JSON_NO_INDEX. */
static void wrong_at(const struct json_part *part, const char *key, size_t index, const json_t *value,
                     const char *expected)
{
    struct json_reader *reader = part->reader;
    char shown[SHOWN_TEXT_BYTES + 24];
    size_t at = 0;
    if (reader->failed)
        return;
    reader->failed = true;
    path_text(part, reader->path, sizeof reader->path, &at);
    if (index == JSON_NO_INDEX)
        (void)snprintf(reader->path + at, sizeof reader->path - at, "%s", key);
    else
        (void)snprintf(reader->path + at, sizeof reader->path - at, "%s[%zu]", key, index);
    shown_value(value, shown, sizeof shown);
    (void)snprintf(reader->why, sizeof reader->why, "expected %s, got %s", expected, shown);
}

void json_wrong(const struct json_part *part, const char *key, const char *expected)
{
    wrong_at(part, key, JSON_NO_INDEX, json_object_get(part->value, key), expected);
}

/* --- going down --- */

struct json_part json_document(struct json_reader *reader, const json_t *value)
{
    struct json_part part = {.reader = reader, .index = JSON_NO_INDEX, .value = value};
    if (!json_is_object(value)) {
        wrong_at(&part, "", JSON_NO_INDEX, value, "an object");
        part.value = NULL;
    }
    return part;
}

struct json_part json_object_in(struct json_part *part, const char *key)
{
    struct json_part child = {.reader = part->reader,
                              .up = part,
                              .key = key,
                              .index = JSON_NO_INDEX,
                              .value = json_take(part, key)};
    if (child.value != NULL && !json_is_object(child.value)) {
        json_wrong(part, key, "an object");
        child.value = NULL;
    }
    return child;
}

struct json_part json_item_in(const struct json_part *part, const char *key, const json_t *array,
                              size_t index)
{
    struct json_part child = {.reader = part->reader,
                              .up = part,
                              .key = key,
                              .index = index,
                              .value = json_array_get(array, index)};
    if (!json_is_object(child.value)) {
        wrong_at(part, key, index, child.value, "an object");
        child.value = NULL;
    }
    return child;
}

void json_part_end(const struct json_part *part)
{
    size_t size = json_object_size(part->value);
    if (size > part->taken)
        part->reader->unknown += size - part->taken;
}

bool json_has(const struct json_part *part, const char *key)
{
    return json_object_get(part->value, key) != NULL;
}

const json_t *json_take(struct json_part *part, const char *key)
{
    const json_t *value = json_object_get(part->value, key);
    if (value == NULL)
        return NULL;
    part->taken++;
    return json_is_null(value) ? NULL : value;
}

/* --- values --- */

static int64_t int_of(const struct json_part *part, const char *key, size_t index, const json_t *value,
                      int64_t least, int64_t most)
{
    char expected[80];
    if (json_is_integer(value) && json_integer_value(value) >= least && json_integer_value(value) <= most)
        return json_integer_value(value);
    (void)snprintf(expected, sizeof expected, "an integer from %lld to %lld", (long long)least,
                   (long long)most);
    wrong_at(part, key, index, value, expected);
    return least;
}

int64_t json_read_int(struct json_part *part, const char *key, int64_t least, int64_t most, int64_t absent)
{
    const json_t *value = json_take(part, key);
    return value == NULL ? absent : int_of(part, key, JSON_NO_INDEX, value, least, most);
}

uint32_t json_read_u32(struct json_part *part, const char *key)
{
    return (uint32_t)json_read_int(part, key, 0, UINT32_MAX, 0);
}

uint64_t json_read_u63(struct json_part *part, const char *key)
{
    return (uint64_t)json_read_int(part, key, 0, INT64_MAX, 0);
}

bool json_read_bool(struct json_part *part, const char *key)
{
    const json_t *value = json_take(part, key);
    if (value != NULL && !json_is_boolean(value))
        json_wrong(part, key, "true or false");
    return json_is_true(value);
}

static const char *text_of(const struct json_part *part, const char *key, size_t index, const json_t *value,
                           size_t max)
{
    char expected[64];
    const char *text = json_is_string(value) && json_string_length(value) <= max
                           ? arena_string(part->reader->arena, json_string_value(value))
                           : NULL;
    if (text != NULL)
        return text;
    (void)snprintf(expected, sizeof expected, "a text of at most %zu bytes", max);
    wrong_at(part, key, index, value, expected);
    return "";
}

const char *json_read_text(struct json_part *part, const char *key, size_t max)
{
    const json_t *value = json_take(part, key);
    return value == NULL ? "" : text_of(part, key, JSON_NO_INDEX, value, max);
}

int64_t json_read_time(struct json_part *part, const char *key, int64_t absent)
{
    const json_t *value = json_take(part, key);
    int64_t at_us = absent;
    if (value != NULL && (!json_is_string(value) || !time_parse_rfc3339(json_string_value(value), &at_us)))
        json_wrong(part, key, "a time such as 2026-11-20T10:00:00Z");
    return at_us;
}

struct address json_read_address(struct json_part *part, const char *key)
{
    const json_t *value = json_take(part, key);
    struct address address = {0};
    if (value != NULL && (!json_is_string(value) || !address_parse(json_string_value(value), &address)))
        json_wrong(part, key, "an address such as 203.0.113.7 or 2001:db8::7");
    return address;
}

size_t json_read_hex(struct json_part *part, const char *key, uint8_t *out, size_t room)
{
    char expected[64];
    const json_t *value = json_take(part, key);
    if (value == NULL)
        return 0;
    size_t digits = json_string_length(value);
    if (json_is_string(value) && digits % 2 == 0 && digits / 2 <= room &&
        hex_parse(json_string_value(value), out, digits / 2))
        return digits / 2;
    (void)snprintf(expected, sizeof expected, "at most %zu hex digits", 2 * room);
    json_wrong(part, key, expected);
    return 0;
}

int json_read_choice(struct json_part *part, const char *key, const char *(*name)(int), int most, int absent)
{
    const json_t *value = json_take(part, key);
    char expected[JSON_WHY_BYTES - 80] = "one of";
    size_t at = strlen(expected);
    if (value == NULL)
        return absent;
    for (int number = 0; json_is_string(value) && number <= most; number++)
        if (strcmp(json_string_value(value), name(number)) == 0)
            return number;
    for (int number = 0; number <= most && at < sizeof expected - 1; number++) {
        int written = snprintf(expected + at, sizeof expected - at, " %s", name(number));
        at += written < 0 ? 0 : (size_t)written;
    }
    json_wrong(part, key, expected);
    return absent;
}

static int number_named(const struct json_part *part, const char *key, const json_t *value,
                        const char *(*name)(int), int most)
{
    for (int number = 1; number <= most; number++) {
        const char *known = name(number);
        if (known != NULL && known[0] != '\0' && strcmp(known, json_string_value(value)) == 0)
            return number;
    }
    json_wrong(part, key, "a number of its registry, or a name that is known");
    return 0;
}

int json_read_number(struct json_part *part, const char *key, const char *(*name)(int), int most)
{
    const json_t *value = json_take(part, key);
    if (value == NULL)
        return 0;
    if (json_is_string(value))
        return number_named(part, key, value, name, most);
    if (!json_is_object(value))
        return (int)int_of(part, key, JSON_NO_INDEX, value, 0, most);
    struct json_part child = {
        .reader = part->reader, .up = part, .key = key, .index = JSON_NO_INDEX, .value = value};
    (void)json_take(&child, "name");
    int number = (int)json_read_int(&child, "number", 0, most, 0);
    json_part_end(&child);
    return number;
}

const json_t *json_read_array(struct json_part *part, const char *key, size_t max, size_t *ret_count)
{
    char expected[64];
    const json_t *value = json_take(part, key);
    *ret_count = json_array_size(value);
    if (value == NULL || (json_is_array(value) && *ret_count <= max))
        return value;
    (void)snprintf(expected, sizeof expected, "an array of at most %zu", max);
    json_wrong(part, key, expected);
    *ret_count = 0;
    return NULL;
}

const char **json_read_texts(struct json_part *part, const char *key, size_t max, size_t max_bytes,
                             size_t *ret_count)
{
    const json_t *array = json_read_array(part, key, max, ret_count);
    const char **texts = json_room(part, key, *ret_count, sizeof *texts);
    if (texts == NULL)
        *ret_count = 0;
    for (size_t i = 0; i < *ret_count; i++)
        texts[i] = text_of(part, key, i, json_array_get(array, i), max_bytes);
    return texts;
}

void *json_room(const struct json_part *part, const char *key, size_t count, size_t size)
{
    void *room = arena_array(part->reader->arena, count, size);
    if (room == NULL)
        json_wrong(part, key, "less than there is room for");
    return room;
}
