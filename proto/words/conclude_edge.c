#include "words/cause.h"

#include <stddef.h>

bool conclude_edge(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    static const struct {
        enum outcome_class class;
        enum cause cause;
    } rows[] = {
        {OUTCOME_HTTP_GATEWAY, CAUSE_EDGE_GATEWAY},
        {OUTCOME_HTTP_SERVER_ERROR, CAUSE_HTTP_SERVER_ERROR},
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
