#include "cli/glyph.h"
#include "cli/term.h"
#include "words/utf8.h"

#include <stdlib.h>
#include <string.h>

/* How texts measure and how they are made safe, cut and wrapped (term.h). */

static const char ellipsis[] = "…";

/* The bytes of the next piece of text and its columns; an invalid byte is a piece of its own. */
static size_t next_piece(const char *text, size_t length, uint32_t *ret_point, unsigned *ret_columns)
{
    size_t size = utf8_sequence((const uint8_t *)text, length, ret_point);
    if (size == 0) {
        *ret_point = 0xFFFD;
        *ret_columns = 1;
        return 1;
    }
    int columns = glyph_columns(*ret_point);
    *ret_columns = columns < 0 ? 1 : (unsigned)columns;
    return size;
}

static unsigned width_of(const char *text, size_t length)
{
    unsigned width = 0;
    for (size_t at = 0; at < length;) {
        uint32_t point;
        unsigned columns;
        at += next_piece(text + at, length - at, &point, &columns);
        width += columns;
    }
    return width;
}

unsigned text_width(const char *text)
{
    return width_of(text, strlen(text));
}

bool text_safe(struct buf *out, const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        uint32_t point;
        size_t size = utf8_sequence((const uint8_t *)text + at, length - at, &point);
        bool written;
        if (size == 0)
            written = buf_printf(out, "\\x%02x", (unsigned)(uint8_t)text[at]);
        else if (!glyph_is_unsafe(point))
            written = buf_append(out, text + at, size);
        else if (point < 0x80)
            written = buf_printf(out, "\\x%02x", (unsigned)point);
        else
            written = buf_printf(out, "\\u{%04X}", (unsigned)point);
        if (!written)
            return false;
        at += size == 0 ? 1 : size;
    }
    return true;
}

char *text_safe_copy(const char *text)
{
    struct buf out;
    buf_init(&out, 0);
    if (!text_safe(&out, text, strlen(text)))
        abort();
    char *copy = buf_take(&out);
    if (copy == NULL)
        abort();
    return copy;
}

bool text_cut(struct buf *out, const char *text, unsigned columns)
{
    if (text_width(text) <= columns)
        return buf_text(out, text);
    if (columns == 0)
        return true;
    size_t length = strlen(text), at = 0;
    unsigned used = 0;
    while (at < length) {
        uint32_t point;
        unsigned width;
        size_t size = next_piece(text + at, length - at, &point, &width);
        if (used + width > columns - 1)
            break;
        used += width;
        at += size;
    }
    return buf_append(out, text, at) && buf_text(out, ellipsis);
}

/* Closing punctuation never begins a line. */
static bool may_not_begin_line(uint32_t point)
{
    static const char closing[] = "，。、；：！？）」』】》”’…,.;:!?)]}";
    for (size_t at = 0; at < sizeof closing - 1;) {
        uint32_t mark;
        size_t size = utf8_sequence((const uint8_t *)closing + at, sizeof closing - 1 - at, &mark);
        if (size == 0 || mark == point)
            return size != 0;
        at += size;
    }
    return false;
}

/*
 * The bytes that go together on a line: a run without spaces and without a place where wide characters may
 * part.
 */
static size_t next_word(const char *text, size_t length)
{
    size_t at = 0;
    bool was_wide = false;
    while (at < length && text[at] != ' ' && text[at] != '\n') {
        uint32_t point;
        unsigned columns;
        size_t size = next_piece(text + at, length - at, &point, &columns);
        bool wide = columns == 2;
        if (at > 0 && (wide || was_wide) && !may_not_begin_line(point) && columns != 0)
            break;
        was_wide = wide;
        at += size;
    }
    return at;
}

/* Where a line being filled stands. */
struct wrap {
    struct buf *out;
    unsigned indent, width, used;
};

static bool wrap_break(struct wrap *wrap)
{
    wrap->used = 0;
    return buf_byte(wrap->out, '\n');
}

static bool wrap_word(struct wrap *wrap, const char *word, size_t length, bool space_before)
{
    unsigned columns = width_of(word, length);
    unsigned gap = wrap->used > 0 && space_before ? 1 : 0;
    if (wrap->used > 0 && wrap->indent + wrap->used + gap + columns > wrap->width) {
        if (!wrap_break(wrap))
            return false;
        gap = 0;
    }
    if (wrap->used == 0 && !buf_printf(wrap->out, "%*s", (int)wrap->indent, ""))
        return false;
    if (gap > 0 && !buf_byte(wrap->out, ' '))
        return false;
    wrap->used += gap + columns;
    return buf_append(wrap->out, word, length);
}

bool text_wrap(struct buf *out, const char *text, unsigned indent, unsigned width)
{
    struct wrap wrap = {.out = out, .indent = indent, .width = width};
    size_t length = strlen(text);
    bool space = false;
    for (size_t at = 0; at < length;) {
        if (text[at] == ' ' || text[at] == '\n') {
            if (text[at] == '\n' && !wrap_break(&wrap))
                return false;
            space = true;
            at++;
            continue;
        }
        size_t word = next_word(text + at, length - at);
        if (!wrap_word(&wrap, text + at, word, space))
            return false;
        space = false;
        at += word;
    }
    return wrap_break(&wrap);
}
