#include "words/cause.h"

#include <stddef.h>

bool conclude_dns(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    static const struct {
        enum outcome_class class;
        enum cause cause;
    } rows[] = {
        {OUTCOME_DNS_NXDOMAIN, CAUSE_DNS_NXDOMAIN},     {OUTCOME_DNS_SERVFAIL, CAUSE_DNS_SERVFAIL},
        {OUTCOME_DNS_TIMEOUT, CAUSE_DNS_TIMEOUT},       {OUTCOME_DNS_REFUSED, CAUSE_DNS_REFUSED},
        {OUTCOME_DNS_NO_ADDRESS, CAUSE_DNS_NO_ADDRESS}, {OUTCOME_DNS_MALFORMED, CAUSE_DNS_MALFORMED},
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
