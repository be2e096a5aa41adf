#include "words/cause.h"

#include <stddef.h>

bool conclude_hello(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    static const struct {
        enum outcome_class class;
        enum cause cause;
    } rows[] = {
        {OUTCOME_HELLO_RESET, CAUSE_HELLO_SERVER_RESET},   {OUTCOME_HELLO_CLOSED, CAUSE_HELLO_CLOSED},
        {OUTCOME_HELLO_SILENT, CAUSE_HELLO_SERVER_SILENT}, {OUTCOME_HELLO_UNACKED, CAUSE_HELLO_NEVER_ACKED},
        {OUTCOME_HELLO_FLIGHT_LOST, CAUSE_HELLO_PMTU_IN},
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
