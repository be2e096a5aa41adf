#ifndef PARALLAX_CLI_GLYPH_H
#define PARALLAX_CLI_GLYPH_H

#include <stdbool.h>
#include <stdint.h>

/* What one code point does on a terminal. */

/** Display columns: 2 for wide, 0 for combining, -1 when it has no place on a terminal. */
int glyph_columns(uint32_t point);

/** Would it disturb a terminal or mislead its reader: controls, C1, bidi and invisible formatting,
 * unassigned. */
bool glyph_is_unsafe(uint32_t point);

#endif
