#ifndef PARALLAX_WORDS_ISSUER_H
#define PARALLAX_WORDS_ISSUER_H

#include "words/cause.h"

#include <stddef.h>

/*
 * The way from a chain as it was sent up to a root, by fetching each issuer that the certificate below it names (RFC 5280,
 * 4.2.2.1): one attempt of VARIANT_ISSUER a hop. Pure.
 */

enum { ISSUER_MAX_HOPS = 4 };

/** Index of the certificate that is named as the issuer of the one at index; -1: it was not sent. */
int issuer_named(const struct evidence_tls *tls, size_t index);

/** Index of the last certificate that the leaf leads to, by names, in a chain that is not empty. */
size_t issuer_top(const struct evidence_tls *tls);

/**
 * The last hop that was made: of its attempts (a host may have several addresses) the one that came furthest.
 * @param ret_hops  how many were made; may be NULL.
 * @return NULL before the first.
 */
const struct attempt *issuer_last(const struct case_file *file, size_t *ret_hops);

/**
 * The attempt whose certificate names the issuer to fetch next: [0], whose topmost certificate it is, or the last hop,
 * with the one it fetched. NULL when there is nothing more to fetch: none is named, the top is of itself, the way leads to
 * where it was before, or it has ISSUER_MAX_HOPS.
 */
const struct attempt *issuer_next(const struct case_file *file);

#endif
