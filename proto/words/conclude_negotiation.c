#include "words/cause.h"

#include <stddef.h>

bool conclude_negotiation(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    static const struct {
        enum outcome_class class;
        enum cause cause;
    } rows[] = {
        {OUTCOME_TLS_NOT_TLS, CAUSE_TLS_PLAINTEXT},
        {OUTCOME_TLS_RESET, CAUSE_TLS_CLOSED_DURING},
        {OUTCOME_TLS_CLOSED, CAUSE_TLS_CLOSED_DURING},
        {OUTCOME_TLS_STALLED, CAUSE_TLS_STALLED},
        {OUTCOME_TLS_OLD_VERSION, CAUSE_TLS_LEGACY},
        {OUTCOME_TLS_BAD_SIGNATURE, CAUSE_TLS_KEY_MISMATCH},
        {OUTCOME_HTTP_RESET, CAUSE_TLS_RESET_AFTER},
        {OUTCOME_HTTP_CLOSED, CAUSE_TLS_CLOSED_AFTER},
        {OUTCOME_HTTP_SILENT, CAUSE_TLS_SILENT_AFTER},
        {OUTCOME_HTTP_MALFORMED, CAUSE_TLS_NOT_HTTP},
        {OUTCOME_HTTP_CLIENT_CERT, CAUSE_TLS_CLIENT_CERT},
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
