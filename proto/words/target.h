#ifndef PARALLAX_WORDS_TARGET_H
#define PARALLAX_WORDS_TARGET_H

#include "words/arena.h"
#include "words/plan.h"

/**
 * Reads what a person types for an endpoint: "host", "host:port", "[v6]:port", "v6",
 * "https://host[:port][/path]". Names are lower-cased, a trailing dot is dropped, non-ASCII names are
 * converted to A-labels (RFC 5891), labels are checked (RFC 1035 lengths; letters, digits, hyphen,
 * underscore).
 * @param arena         owns the texts of the endpoint.
 * @param ret_endpoint  host, port (443 by default), and address when the host is one; nothing else set.
 * @param ret_why       on failure: what is wrong and what was expected (static text).
 */
bool target_parse(const char *text, struct arena *arena, struct endpoint *ret_endpoint, const char **ret_why);

/** Is text a host name by the rules above (already lower-case ASCII)? Addresses are not names. */
bool target_is_name(const char *text);

#endif
