#ifndef PARALLAX_WORDS_CERTIFICATE_JSON_H
#define PARALLAX_WORDS_CERTIFICATE_JSON_H

#include "words/evidence.h"

#include <jansson.h>
#include <stdbool.h>

/** Writes what certificates, staple and proofs say into the "tls" object of an attempt (docs/JSON.md). @return false without
 * memory. */
bool certificates_json(json_t *tls_object, const struct evidence_tls *tls);

#endif
