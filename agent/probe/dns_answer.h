#ifndef PARALLAX_PROBE_DNS_ANSWER_H
#define PARALLAX_PROBE_DNS_ANSWER_H

#include "words/arena.h"
#include "words/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DNS_TYPE_A = 1, DNS_TYPE_CNAME = 5, DNS_TYPE_AAAA = 28 };

/**
 * Takes rcode and answers out of a DNS message (RFC 1035, 4): the CNAME chain in its order, then addresses of
 * query->type. At most EVIDENCE_MAX_ANSWERS are kept; the rest are counted in extra_answers.
 * @param arena  owns the texts.
 * @param query  type is set; rcode, answers, answer_count and extra_answers are written.
 * @return false when the message is malformed; what was read before stays.
 */
bool dns_answer_read(const uint8_t *bytes, size_t length, struct arena *arena, struct dns_query *query);

#endif
