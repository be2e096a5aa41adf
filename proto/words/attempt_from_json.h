#ifndef PARALLAX_WORDS_ATTEMPT_FROM_JSON_H
#define PARALLAX_WORDS_ATTEMPT_FROM_JSON_H

#include "words/evidence.h"
#include "words/json_reader.h"

/**
 * Reads the evidence of an attempt as attempt_json writes it, or as a person writes it by hand: every key may be left out, and
 * then was not observed. What is left out of a clock, and follows from what is there, is put in (docs/REPLAY.md, "What may be
 * left out"). The keys endpoint, edge and outcome are left to the caller: they are no evidence.
 * @param part  the attempt's object; its reader's arena is not used. The caller ends the part.
 * @return NULL when the reader failed (or without memory: it says so). Its clock.start_us is 0 when it is not said.
 */
struct attempt *attempt_from_json(struct json_part *part);

/** The certificates' part of "tls". */
void certificates_from_json(struct json_part *tls_part, struct evidence_tls *tls);

/** Puts in what follows from the rest: stamps, where there was no key for them, and how it ended. Fails the reader at a part
 * that cannot be true beside the rest: TLS without a connection, an answer without a request. */
void attempt_imply(struct attempt *attempt, const struct json_part *part);

#endif
