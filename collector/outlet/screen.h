#ifndef PARALLAX_COLLECTOR_OUTLET_SCREEN_H
#define PARALLAX_COLLECTOR_OUTLET_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * A terminal that is drawn over in place. What it was is given back by screen_leave, which must come on every way out; keys are
 * read one by one meanwhile, without being shown.
 */

/** Takes the terminal of stdout (and the keyboard, when stdin is one). */
void screen_enter(void);
void screen_leave(void);

/**
 * Draws a text over what was there, in one write: each line up to its end, then nothing below. Lines that do not fit are counted
 * in the last one. @param text  whole lines. @return false when the terminal is gone.
 */
bool screen_draw(const char *text, size_t length);

/** The key that was pressed; 0: none. */
char screen_key(void);

#endif
