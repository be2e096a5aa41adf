#include "cli/glyph.h"

#include <locale.h>
#include <wchar.h>

/* wcwidth reads the locale of the thread; what a text measures must not depend on what the program was
 * started with. */
static int columns_in_utf8_locale(uint32_t point)
{
    static locale_t utf8;
    if (utf8 == (locale_t)0)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (utf8 == (locale_t)0)
        return 1;
    locale_t before = uselocale(utf8);
    int columns = wcwidth((wchar_t)point);
    uselocale(before);
    return columns;
}

int glyph_columns(uint32_t point)
{
    if (point >= 0x20 && point < 0x7F)
        return 1;
    return columns_in_utf8_locale(point);
}

bool glyph_is_unsafe(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x0000, 0x001F},   /* C0 */
        {0x007F, 0x009F},   /* DEL and C1 */
        {0x00AD, 0x00AD},   /* soft hyphen */
        {0x061C, 0x061C},   /* Arabic letter mark */
        {0x180E, 0x180E},   /* Mongolian vowel separator */
        {0x200B, 0x200F},   /* zero width, left-to-right and right-to-left marks */
        {0x2028, 0x202E},   /* line and paragraph separators, bidi embeddings and overrides */
        {0x2060, 0x206F},   /* word joiner, bidi isolates, deprecated formatting */
        {0xFEFF, 0xFEFF},   /* byte order mark */
        {0xFFF9, 0xFFFB},   /* interlinear annotation */
        {0xE0000, 0xE0FFF}, /* tags and variation selectors that show nothing */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return glyph_columns(point) < 0;
}
