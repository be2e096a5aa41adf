#ifndef PARALLAX_WORDS_CDN_JSON_H
#define PARALLAX_WORDS_CDN_JSON_H

#include "words/evidence.h"

#include <jansson.h>

/** The "edge" of an attempt (docs/JSON.md): a new reference, null when no CDN can be told; NULL without memory. */
json_t *cdn_json(const struct attempt *attempt);

#endif
