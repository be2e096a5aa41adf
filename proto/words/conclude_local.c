#include "words/cause.h"

#include <stddef.h>

bool conclude_local(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    static const struct {
        enum outcome_class class;
        enum cause cause;
    } rows[] = {
        {OUTCOME_LOCAL_POLICY, CAUSE_LOCAL_POLICY},
        {OUTCOME_LOCAL_NO_ROUTE, CAUSE_LOCAL_NO_ROUTE},
        {OUTCOME_LOCAL_RESOURCE, CAUSE_LOCAL_RESOURCE},
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
