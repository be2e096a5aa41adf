#include "words/cause.h"

#include <stddef.h>

bool conclude_tcp(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    static const struct {
        enum outcome_class class;
        enum cause cause;
    } rows[] = {
        {OUTCOME_TCP_REFUSED, CAUSE_TCP_REFUSED},
        {OUTCOME_TCP_TIMEOUT, CAUSE_TCP_DROPPED},
        {OUTCOME_TCP_UNREACHABLE, CAUSE_TCP_REJECTED},
        {OUTCOME_TCP_OTHER, CAUSE_TCP_OTHER},
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
