#include "words/cause.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Nothing was sent, so nothing is said about the target. */

static const char *resource_of(const struct attempt *attempt)
{
    static const struct {
        int32_t error;
        const char *resource;
    } rows[] = {
        {EMFILE, "file descriptors (of this process)"},
        {ENFILE, "file descriptors (of the system)"},
        {ENOBUFS, "socket buffers"},
        {ENOMEM, "memory"},
        {EADDRNOTAVAIL, "local ports"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (attempt->local_error == rows[i].error)
            return rows[i].resource;
    }
    return attempt->local_detail != NULL && attempt->local_detail[0] != '\0' ? attempt->local_detail
                                                                             : "memory";
}

bool conclude_local(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct attempt *first = file->attempts[0];
    const char *family = first->flow.destination.length == 16 ? "IPv6" : "IPv4";
    enum outcome_class class = file->outcomes[0].class;
    bool facts = true;
    if (class == OUTCOME_LOCAL_POLICY) {
        conclusion->cause = CAUSE_LOCAL_POLICY;
    } else if (class == OUTCOME_LOCAL_NO_ROUTE) {
        conclusion->cause = CAUSE_LOCAL_NO_ROUTE;
        facts = conclusion_fact(conclusion, arena, "family", "%s", family);
    } else if (class == OUTCOME_LOCAL_RESOURCE) {
        conclusion->cause = CAUSE_LOCAL_RESOURCE;
        facts = conclusion_fact(conclusion, arena, "resource", "%s", resource_of(first));
    } else {
        return false;
    }
    conclusion->certainty = CERTAINTY_CONFIRMED; /* this machine says so of itself */
    return facts;
}
