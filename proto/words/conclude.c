#include "words/cause.h"

#include <stddef.h>

/*
 * From the attempts on one endpoint to a cause. Each part of a connection has a file that knows its own look-alikes; they
 * are asked in the order of the connection (capacity before what it looks like), and the first that recognises the case names the cause. Parts that only ever
 * have a word to add beside a healthy handshake (the certificate's) are asked in any case.
 */

const struct attempt *case_variant(const struct case_file *file, enum variant variant)
{
    for (size_t i = 1; i < file->count; i++) {
        if (file->origins[i] == NULL && file->attempts[i]->variant == variant)
            return file->attempts[i];
    }
    return file->count > 0 && file->attempts[0]->variant == variant ? file->attempts[0] : NULL;
}

bool case_outcome(const struct case_file *file, enum variant variant, struct outcome *ret_outcome)
{
    const struct attempt *attempt = case_variant(file, variant);
    for (size_t i = 0; attempt != NULL && i < file->count; i++) {
        if (file->attempts[i] == attempt) {
            *ret_outcome = file->outcomes[i];
            return true;
        }
    }
    return false;
}

bool case_shakes_hands(const struct case_file *file, enum variant variant)
{
    const struct attempt *attempt = case_variant(file, variant);
    return attempt != NULL && attempt_comes_through(attempt);
}

/* What the server says it is, on the first connection that came to an answer: some fail before one. */
static const char *software(const struct case_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        const char *name = file->origins[i] == NULL ? attempt_header(file->attempts[i], "server") : NULL;
        if (name != NULL && name[0] != '\0')
            return name;
    }
    return NULL;
}

static bool common_facts(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct attempt *first = file->attempts[0];
    char ip[ADDRESS_TEXT_BYTES], raw[128];
    const char *name = endpoint_sni(file->endpoint), *server = software(file);
    return (server == NULL || conclusion_fact(conclusion, arena, "software", "%s", server)) &&
           conclusion_fact(conclusion, arena, "host", "%s", name[0] != '\0' ? name : file->endpoint->host) &&
           conclusion_fact(conclusion, arena, "ip", "%s", address_text(&first->flow.destination, ip)) &&
           conclusion_fact(conclusion, arena, "port", "%u", file->endpoint->port) &&
           conclusion_fact(conclusion, arena, "error", "%s",
                           outcome_raw_text(file->outcomes[0], raw, sizeof raw));
}

bool conclude(const struct case_file *file, struct arena *arena, struct conclusion *ret_conclusion)
{
    static conclude_fn *const parts[] = {
        conclude_local,       conclude_dns,         conclude_capacity, conclude_tcp,       conclude_hello,
        conclude_negotiation, conclude_certificate, conclude_edge,     conclude_dns_delay,
    };
    *ret_conclusion = (struct conclusion){.cause = CAUSE_NONE};
    if (!common_facts(file, arena, ret_conclusion))
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i](file, arena, ret_conclusion))
            return true;
    }
    if (!outcome_is_ok(file->outcomes[0]))
        ret_conclusion->cause = CAUSE_UNCLASSIFIED;
    return true;
}
