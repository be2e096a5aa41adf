#ifndef PARALLAX_WORDS_CONCLUDE_CERTIFICATE_H
#define PARALLAX_WORDS_CONCLUDE_CERTIFICATE_H

#include "words/cause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Between the files that conclude about certificates; others use cause.h. */

/** Is a fault of a certificate there? Pure; the chain may be empty. */
typedef bool certificate_fault(const struct case_file *file);
/** Adds the facts of a fault. @return false without memory. */
typedef bool certificate_tell(const struct case_file *file, struct arena *arena,
                              struct conclusion *conclusion);

/** What the first attempt saw of TLS. */
const struct evidence_tls *certificate_tls(const struct case_file *file);
/** The leaf with its facts, or NULL when none was sent or its facts are not known. */
const struct chain_certificate *certificate_leaf(const struct case_file *file);
/** Was this X509_V_ERR_* raised, at whatever depth? */
bool certificate_raised(const struct case_file *file, int32_t code);
bool certificate_raised_at(const struct case_file *file, int32_t code, uint32_t depth);
/** "2026-11-19 09:00 UTC" as a fact. */
bool certificate_date_fact(struct conclusion *conclusion, struct arena *arena, const char *key, int64_t at_s);

/* conclude_certificate_time.c */
certificate_fault certificate_clock_wrong, certificate_expired, certificate_intermediate_expired,
    certificate_not_yet_valid, certificate_expires_soon;
certificate_tell certificate_tell_clock, certificate_tell_expired, certificate_tell_intermediate,
    certificate_tell_not_yet, certificate_tell_soon;

/* conclude_certificate_chain.c */
certificate_fault certificate_self_signed, certificate_untrusted_root, certificate_missing_intermediate,
    certificate_disordered;
certificate_tell certificate_tell_untrusted, certificate_tell_missing, certificate_tell_order;

/* conclude_certificate_name.c */
certificate_fault certificate_wildcard_short, certificate_only_common_name, certificate_default,
    certificate_name_wrong;
certificate_tell certificate_tell_wildcard, certificate_tell_names, certificate_tell_default;

#endif
