#include "store/array.h"

#include "words/units.h"

#include <inttypes.h>

/* A failure leaves the buffer without its opening brace, which array_take notices. */
static bool array_fail(struct buf *array)
{
    buf_clear(array);
    return false;
}

void array_begin(struct buf *array)
{
    buf_init(array, 0);
    (void)buf_byte(array, '{');
}

static bool array_next(struct buf *array)
{
    return array->len > 0 && (array->len == 1 || buf_byte(array, ','));
}

bool array_number(struct buf *array, int64_t number)
{
    return (array_next(array) && buf_printf(array, "%" PRId64, number)) || array_fail(array);
}

bool array_bytes(struct buf *array, const uint8_t *bytes, size_t length)
{
    if (!array_next(array) || !buf_text(array, "\"\\\\x"))
        return array_fail(array);
    uint8_t *room = buf_room(array, 2 * length + 1);
    if (room == NULL)
        return array_fail(array);
    (void)hex_text(bytes, length, (char *)room);
    buf_grew(array, 2 * length);
    return buf_byte(array, '"') || array_fail(array);
}

bool array_text(struct buf *array, const char *text)
{
    bool put = array_next(array) && buf_byte(array, '"');
    for (; put && *text != '\0'; text++)
        put = ((*text != '"' && *text != '\\') || buf_byte(array, '\\')) && buf_byte(array, (uint8_t)*text);
    return (put && buf_byte(array, '"')) || array_fail(array);
}

char *array_take(struct buf *array)
{
    if (array->len > 0 && buf_byte(array, '}'))
        return buf_take(array);
    buf_done(array);
    return NULL;
}
