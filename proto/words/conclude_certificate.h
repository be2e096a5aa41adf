#ifndef PARALLAX_WORDS_CONCLUDE_CERTIFICATE_H
#define PARALLAX_WORDS_CONCLUDE_CERTIFICATE_H

#include "words/cause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Between the files that conclude about certificates; others use cause.h. */

/** Is a fault of a certificate there? Pure; the chain may be empty. */
typedef bool cert_fault(const struct case_file *file);
/** Adds the facts of a fault. @return false without memory. */
typedef bool cert_tell(const struct case_file *file, struct arena *arena, struct conclusion *conclusion);

/** What the first attempt saw of TLS. */
const struct evidence_tls *cert_tls(const struct case_file *file);
/** The leaf with its facts, or NULL when none was sent or its facts are not known. */
const struct chain_certificate *cert_leaf(const struct case_file *file);
/** Was this X509_V_ERR_* raised, at whatever depth? */
bool cert_raised(const struct case_file *file, int32_t code);
bool cert_raised_at(const struct case_file *file, int32_t code, uint32_t depth);
/** "2026-11-19 09:00 UTC" as a fact. */
bool cert_date_fact(struct conclusion *conclusion, struct arena *arena, const char *key, int64_t at_s);

/* conclude_certificate_time.c */
cert_fault cert_clock_wrong, cert_expired, cert_intermediate_expired, cert_not_yet_valid, cert_expires_soon;
cert_tell cert_tell_clock, cert_tell_expired, cert_tell_intermediate, cert_tell_not_yet, cert_tell_soon;

/** Unix seconds that an answer's Date header says; 0 when there is none. */
int64_t cert_date_header_s(const struct attempt *attempt);
cert_fault cert_server_clock_wrong;
cert_tell cert_tell_server_clock;

/* conclude_certificate_status.c */
cert_fault cert_revoked, cert_lacks_staple, cert_responder_unreachable;
cert_tell cert_tell_revoked, cert_tell_staple, cert_tell_responder;

/* conclude_certificate_chain.c */
cert_fault cert_self_signed, cert_untrusted_root, cert_missing_intermediate, cert_wrong_issuer,
    cert_disordered;
cert_tell cert_tell_untrusted, cert_tell_wrong_issuer, cert_tell_missing, cert_tell_order;

/* conclude_certificate_name.c */
cert_fault cert_wildcard_short, cert_only_common_name, cert_default, cert_name_wrong;
cert_tell cert_tell_wildcard, cert_tell_names, cert_tell_default;

#endif
