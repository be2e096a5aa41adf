#include "words/cause.h"

#include <stddef.h>

bool conclude_certificate(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    static const struct {
        enum outcome_class class;
        enum cause cause;
    } rows[] = {
        {OUTCOME_CERT_EXPIRED, CAUSE_CERT_EXPIRED},
        {OUTCOME_CERT_NOT_YET_VALID, CAUSE_CERT_NOT_YET_VALID},
        {OUTCOME_CERT_SELF_SIGNED, CAUSE_CERT_SELF_SIGNED},
        {OUTCOME_CERT_UNTRUSTED, CAUSE_CERT_UNTRUSTED_ROOT},
        {OUTCOME_CERT_NO_ISSUER, CAUSE_CERT_MISSING_INTERMEDIATE},
        {OUTCOME_CERT_NAME, CAUSE_CERT_NAME},
        {OUTCOME_CERT_PURPOSE, CAUSE_CERT_PURPOSE},
        {OUTCOME_CERT_WEAK_KEY, CAUSE_CERT_WEAK_KEY},
        {OUTCOME_CERT_WEAK_SIGNATURE, CAUSE_CERT_SHA1},
        {OUTCOME_CERT_REVOKED, CAUSE_CERT_REVOKED},
        {OUTCOME_CERT_OTHER, CAUSE_CERT_OTHER},
    };
    (void)arena;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (file->outcomes[0].class == rows[i].class) {
            conclusion->cause = rows[i].cause;
            return true;
        }
    }
    return false;
}
