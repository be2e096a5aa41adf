#include "words/cause.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/*
 * The name. An attempt that ended there has the resolver's error, and what came of asking again: unchecked after SERVFAIL,
 * over TCP after silence. An attempt that went on and failed may have gone to a wrong address: one that belongs to nobody,
 * or one that a second answer contradicts.
 */

/* What takes as long as this, and longer than all that followed, is the name and not the server. */
enum { SLOW_US = 1000 * 1000 };

static const struct dns_query *find_query(const struct attempt *attempt, enum evidence_ask how)
{
    for (size_t i = 0; i < attempt->dns_count; i++)
        if (attempt->dns[i].how == how)
            return &attempt->dns[i];
    return NULL;
}

static bool name_cause(struct conclusion *conclusion, enum cause cause, enum certainty certainty)
{
    conclusion->cause = cause;
    conclusion->certainty = certainty;
    return true;
}

/* The name that the aliases end at; NULL: there are none. */
static const char *last_alias(const struct dns_query *query)
{
    const char *last = NULL;
    for (size_t i = 0; i < query->answer_count; i++)
        if (query->answers[i].name[0] != '\0')
            last = query->answers[i].name;
    return last;
}

/* Does an alias lead back to the name asked for, or to another that was passed? */
static bool in_a_circle(const struct dns_query *query, const char *host)
{
    for (size_t i = 0; i < query->answer_count; i++) {
        const char *name = query->answers[i].name;
        if (name[0] != '\0' && strcasecmp(name, host) == 0)
            return true;
        for (size_t before = 0; name[0] != '\0' && before < i; before++)
            if (strcasecmp(query->answers[before].name, name) == 0)
                return true;
    }
    return false;
}

static const struct address *first_address(const struct dns_query *query)
{
    for (size_t i = 0; i < query->answer_count; i++)
        if (query->answers[i].address.length > 0)
            return &query->answers[i].address;
    return NULL;
}

static bool has_address(const struct dns_query *query, const struct address *address)
{
    for (size_t i = 0; i < query->answer_count; i++)
        if (address_equal(&query->answers[i].address, address))
            return true;
    return false;
}

/* --- a second answer --------------------------------------------------------------------------------------------- */

/* Of late answers one with an address says more than one without. */
static const struct dns_query *find_late(const struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->dns_count; i++)
        if (attempt->dns[i].how == ASK_LATE && first_address(&attempt->dns[i]) != NULL)
            return &attempt->dns[i];
    return find_query(attempt, ASK_LATE);
}

/* Has an attempt of the ladder shown that the other answer's address serves this name, certificate and all? */
static bool other_is_right(const struct case_file *file, const struct dns_query *late)
{
    for (size_t i = 1; i < file->count; i++) {
        const struct attempt *attempt = file->attempts[i];
        if (file->origins[i] == NULL && attempt->flow.destination.length > 0 &&
            has_address(late, &attempt->flow.destination) && attempt->clock.handshake_us != EVIDENCE_NEVER &&
            attempt->tls.verify_error_count == 0)
            return true;
    }
    return false;
}

static const char *answer_text(const struct dns_query *query, char out[ADDRESS_TEXT_BYTES])
{
    const struct address *address = first_address(query);
    return address == NULL ? "no address" : address_text(address, out);
}

static bool conclude_two_answers(const struct case_file *file, const struct dns_query *late,
                                 struct arena *arena, struct conclusion *conclusion)
{
    const struct attempt *first = file->attempts[0];
    char text[ADDRESS_TEXT_BYTES];
    for (size_t i = 0; i < first->dns_count; i++) {
        if (first->dns[i].how == ASK_PLAIN && first->dns[i].type == late->type)
            (void)conclusion_fact(conclusion, arena, "answer", "%s", answer_text(&first->dns[i], text));
    }
    (void)conclusion_fact(conclusion, arena, "other_answer", "%s", answer_text(late, text));
    (void)conclusion_fact(conclusion, arena, "ms", "%llu", (unsigned long long)late->took_us / 1000);
    return name_cause(conclusion, CAUSE_DNS_TWO_ANSWERS,
                      other_is_right(file, late) ? CERTAINTY_CONFIRMED : CERTAINTY_CONSISTENT);
}

/* --- an attempt that ended at the name --------------------------------------------------------------------------- */

static bool conclude_servfail(const struct case_file *file, struct conclusion *conclusion)
{
    const struct dns_query *unchecked = find_query(file->attempts[0], ASK_NO_CHECK);
    if (unchecked != NULL && unchecked->rcode == 0)
        return name_cause(conclusion, CAUSE_DNS_DNSSEC, CERTAINTY_CONFIRMED);
    if (unchecked != NULL && unchecked->rcode > 0)
        conclusion_rule_out(conclusion, CAUSE_DNS_DNSSEC, VARIANT_NORMAL);
    return name_cause(conclusion, CAUSE_DNS_SERVFAIL, CERTAINTY_CONSISTENT);
}

static bool conclude_silence(const struct case_file *file, struct conclusion *conclusion)
{
    const struct dns_query *tcp = find_query(file->attempts[0], ASK_TCP);
    if (tcp != NULL && tcp->rcode >= 0)
        return name_cause(conclusion, CAUSE_DNS_UDP_LOST, CERTAINTY_CONFIRMED);
    if (tcp != NULL)
        conclusion_rule_out(conclusion, CAUSE_DNS_UDP_LOST, VARIANT_NORMAL);
    return name_cause(conclusion, CAUSE_DNS_TIMEOUT, CERTAINTY_CONSISTENT);
}

/* The name is there, as an alias; what it stands for is not. */
static bool conclude_alias(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    enum outcome_class class = file->outcomes[0].class;
    const struct dns_query *query = find_query(file->attempts[0], ASK_PLAIN);
    const char *target = query == NULL ? NULL : last_alias(query);
    if (target == NULL || (class != OUTCOME_DNS_NXDOMAIN && class != OUTCOME_DNS_NO_ADDRESS))
        return false;
    bool circle = in_a_circle(query, file->endpoint->host);
    (void)conclusion_fact(conclusion, arena, "target", "%s", circle ? query->answers[0].name : target);
    return name_cause(conclusion, circle ? CAUSE_DNS_ALIAS_LOOP : CAUSE_DNS_DANGLING, CERTAINTY_CONSISTENT);
}

static bool conclude_no_address(const struct case_file *file, struct conclusion *conclusion)
{
    static const struct {
        enum outcome_class class;
        enum cause cause;
    } rows[] = {
        {OUTCOME_DNS_NXDOMAIN, CAUSE_DNS_NXDOMAIN},
        {OUTCOME_DNS_REFUSED, CAUSE_DNS_REFUSED},
        {OUTCOME_DNS_NO_ADDRESS, CAUSE_DNS_NO_ADDRESS},
        {OUTCOME_DNS_MALFORMED, CAUSE_DNS_MALFORMED},
    };
    if (file->outcomes[0].class == OUTCOME_DNS_SERVFAIL)
        return conclude_servfail(file, conclusion);
    if (file->outcomes[0].class == OUTCOME_DNS_TIMEOUT)
        return conclude_silence(file, conclusion);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (file->outcomes[0].class == rows[i].class)
            return name_cause(conclusion, rows[i].cause, CERTAINTY_CONSISTENT);
    return false;
}

/* --- an attempt that went to a wrong address --------------------------------------------------------------------- */

/* An address that no server has: "this host" (RFC 1122, 3.2.1.3), multicast or reserved. Resolvers that block a name say so. */
static bool belongs_to_nobody(const struct address *address)
{
    static const uint8_t zero[16] = {0};
    if (address->length == 4)
        return address->bytes[0] == 0 || address->bytes[0] >= 224;
    return address->length == 16 && (memcmp(address->bytes, zero, 16) == 0 || address->bytes[0] == 0xff);
}

static bool came_from_dns(const struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->dns_count; i++)
        if (!attempt->dns[i].from_hosts_file && has_address(&attempt->dns[i], &attempt->flow.destination))
            return true;
    return false;
}

static bool is_slow(const struct attempt *attempt)
{
    const struct evidence_clock *clock = &attempt->clock;
    return attempt->dns_count > 0 && clock->resolved_us >= SLOW_US &&
           clock->closed_us - clock->resolved_us < clock->resolved_us;
}

bool conclude_dns(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct attempt *first = file->attempts[0];
    const struct dns_query *late = find_late(first);
    if (first->dns_count > 0)
        (void)conclusion_fact(conclusion, arena, "resolver", "%s", first->dns[0].resolver);
    /* whoever answers there: it is not the server that the name stands for */
    if (belongs_to_nobody(&first->flow.destination) && came_from_dns(first))
        return name_cause(conclusion, CAUSE_DNS_NULL_ADDRESS, CERTAINTY_CONSISTENT);
    if (outcome_is_ok(file->outcomes[0])) {
        if (late != NULL)
            conclusion_also(conclusion, CAUSE_DNS_TWO_ANSWERS);
        return false;
    }
    if (late != NULL && outcome_is_failure(file->outcomes[0]))
        return conclude_two_answers(file, late, arena, conclusion);
    if (file->outcomes[0].stage == OUTCOME_STAGE_DNS)
        return conclude_alias(file, arena, conclusion) || conclude_no_address(file, conclusion);
    if (is_slow(first))
        conclusion_also(conclusion, CAUSE_DNS_SLOW);
    return false;
}

bool conclude_dns_delay(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const struct attempt *first = file->attempts[0];
    if (!outcome_is_ok(file->outcomes[0]) || !is_slow(first))
        return false;
    (void)conclusion_fact(conclusion, arena, "ms", "%lld", (long long)first->clock.resolved_us / 1000);
    return name_cause(conclusion, CAUSE_DNS_SLOW, CERTAINTY_CONSISTENT);
}
