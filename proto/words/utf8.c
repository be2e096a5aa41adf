#include "words/utf8.h"

size_t utf8_sequence(const uint8_t *bytes, size_t length, uint32_t *ret_code)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t extra = 0; length > 0 && extra < sizeof forms / sizeof forms[0]; extra++) {
        if ((bytes[0] & forms[extra].mask) != forms[extra].lead)
            continue;
        if (extra >= length)
            return 0;
        uint32_t code = bytes[0] & (uint8_t)~forms[extra].mask;
        for (size_t i = 1; i <= extra; i++) {
            if ((bytes[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (bytes[i] & 0x3f);
        }
        if (code < forms[extra].least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return 0;
        *ret_code = code;
        return extra + 1;
    }
    return 0;
}

bool utf8_clean(struct buf *out, const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t at = 0;
    while (at < length) {
        uint32_t code = 0;
        size_t sequence = utf8_sequence(bytes + at, length - at, &code);
        bool kept = sequence > 0 && code != 0;
        if (kept ? !buf_append(out, bytes + at, sequence) : !buf_printf(out, "\\x%02x", bytes[at]))
            return false;
        at += kept ? sequence : 1;
    }
    return true;
}
