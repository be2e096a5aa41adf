#ifndef PARALLAX_WORDS_CLASSIFY_H
#define PARALLAX_WORDS_CLASSIFY_H

#include "words/evidence.h"
#include "words/outcome.h"

/* Raised by one whenever the same evidence may get another outcome; stored beside each outcome. */
enum { CLASSIFY_RULES = 3 };

/** What an attempt's evidence means. Pure: the same evidence gives the same outcome under the same
 * CLASSIFY_RULES. */
struct outcome classify(const struct attempt *attempt);

#endif
