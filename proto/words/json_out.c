#include "words/json_out.h"

#include "words/attempt_json.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>

static void put(struct json_out *out, const char *bytes, size_t length)
{
    if (!out->failed && !buf_append(out->buf, bytes, length))
        out->failed = true;
}

/* A comma stands before all but the first of an object or array, and none before the whole, whatever the line before it says. */
static bool needs_comma(const struct buf *buf)
{
    char last = buf->len == 0 ? '\n' : (char)buf->data[buf->len - 1];
    return last != '{' && last != '[' && last != '\n';
}

/* In one piece, because it is done a hundred times for each attempt. */
static void begin(struct json_out *out, const char *key)
{
    size_t length = key == NULL ? 0 : strlen(key);
    uint8_t *room = out->failed ? NULL : buf_room(out->buf, length + 4);
    if (room == NULL) {
        out->failed = true;
        return;
    }
    uint8_t *at = room;
    if (needs_comma(out->buf))
        *at++ = ',';
    if (key != NULL) {
        *at++ = '"';
        memcpy(at, key, length + 1); /* what stands behind it is written over its end */
        at += length;
        *at++ = '"';
        *at++ = ':';
    }
    buf_grew(out->buf, (size_t)(at - room));
}

void out_object(struct json_out *out, const char *key)
{
    begin(out, key);
    put(out, "{", 1);
}

void out_object_end(struct json_out *out)
{
    put(out, "}", 1);
}

void out_array(struct json_out *out, const char *key)
{
    begin(out, key);
    put(out, "[", 1);
}

void out_array_end(struct json_out *out)
{
    put(out, "]", 1);
}

void out_null(struct json_out *out, const char *key)
{
    begin(out, key);
    put(out, "null", 4);
}

void out_boolean(struct json_out *out, const char *key, bool value)
{
    begin(out, key);
    put(out, value ? "true" : "false", value ? 4 : 5);
}

void out_integer(struct json_out *out, const char *key, int64_t value)
{
    begin(out, key);
    if (!out->failed && !buf_integer(out->buf, value))
        out->failed = true;
}

/* How many bytes of it stand for themselves, whatever they mean elsewhere. */
static size_t plain_bytes(const char *text)
{
    size_t length = 0;
    while (text[length] >= ' ' && text[length] <= '~' && text[length] != '"' && text[length] != '\\')
        length++;
    return length;
}

void out_text(struct json_out *out, const char *key, const char *text)
{
    size_t plain = plain_bytes(text);
    if (text[plain] != '\0') {
        out_tree(out, key, json_text(text));
        return;
    }
    begin(out, key);
    put(out, "\"", 1);
    put(out, text, plain);
    put(out, "\"", 1);
}

void out_hex(struct json_out *out, const char *key, const uint8_t *bytes, size_t length)
{
    begin(out, key);
    put(out, "\"", 1);
    uint8_t *room = out->failed || length > SIZE_MAX / 4 ? NULL : buf_room(out->buf, 2 * length);
    if (room == NULL) {
        out->failed = true;
        return;
    }
    (void)hex_text(bytes, length, (char *)room);
    buf_grew(out->buf, 2 * length);
    put(out, "\"", 1);
}

void out_tree(struct json_out *out, const char *key, json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    begin(out, key);
    if (text == NULL)
        out->failed = true;
    else
        put(out, text, strlen(text));
    free(text);
}
