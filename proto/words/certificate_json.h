#ifndef PARALLAX_WORDS_CERTIFICATE_JSON_H
#define PARALLAX_WORDS_CERTIFICATE_JSON_H

#include "words/evidence.h"
#include "words/json_out.h"

/** Writes what certificates, staple and proofs say, inside of the "tls" object of an attempt (docs/JSON.md). */
void certificates_json(struct json_out *out, const struct evidence_tls *tls);

#endif
