#include "link/clock.h"
#include "probe/dns_answer.h"
#include "sweep/sweep_parts.h"

#include <ares.h>
#include <stdlib.h>
#include <string.h>

/*
 * A and AAAA side by side, as a probe asks them. An answer is kept as the message it was: of very many names that wait for their
 * turn, that is what costs little, and it is read again when an attempt is made of it.
 */

enum { MESSAGE_MAX = 4096 };

static const uint32_t types[SWEEP_FAMILIES] = {DNS_TYPE_A, DNS_TYPE_AAAA};
static const unsigned only[SWEEP_FAMILIES] = {SWEEP_ONLY_IPV4, SWEEP_ONLY_IPV6};

static bool wanted(const struct sweep_item *item, size_t family)
{
    unsigned flags = item->sweep->options.flags;
    return !(flags & only[1 - family]);
}

void sweep_questions_free(struct sweep_item *item)
{
    for (size_t i = 0; item->questions != NULL && i < SWEEP_FAMILIES; i++) {
        resolver_forget(item->questions[i].query);
        free(item->questions[i].bytes);
    }
    free(item->questions);
    item->questions = NULL;
}

/* --- evidence ------------------------------------------------------------------------------------------------------ */

static void keep_hosts(const struct sweep_item *item, struct attempt *attempt)
{
    for (size_t i = 0; i < SWEEP_FAMILIES; i++) {
        struct address found[EVIDENCE_MAX_ANSWERS];
        if (!wanted(item, i))
            continue;
        size_t count = hosts_find(item->sweep->hosts, item->endpoint.host, i == 0 ? AF_INET : AF_INET6, found,
                                  EVIDENCE_MAX_ANSWERS);
        struct dns_query *query = &attempt->dns[attempt->dns_count++];
        *query = (struct dns_query){.type = types[i], .resolver = "", .from_hosts_file = true};
        query->answers = arena_array(&attempt->arena, count, sizeof *query->answers);
        query->answer_count = query->answers == NULL ? 0 : count;
        for (size_t j = 0; j < query->answer_count; j++)
            query->answers[j] = (struct dns_answer){.name = "", .address = found[j]};
    }
}

static void read_answer(const struct sweep_question *question, struct arena *arena, struct dns_query *query)
{
    query->rcode = -1;
    query->status = question->answered ? question->status : ARES_ETIMEOUT;
    query->took_us = question->took_us;
    if (question->bytes != NULL && !dns_answer_read(question->bytes, question->length, arena, query))
        query->status = ARES_EBADRESP;
}

void sweep_keep_dns(const struct sweep_item *item, struct attempt *attempt)
{
    if (item->from_hosts_file)
        keep_hosts(item, attempt);
    for (size_t i = 0; item->questions != NULL && i < SWEEP_FAMILIES; i++) {
        const struct sweep_question *question = &item->questions[i];
        if (!question->asked)
            continue;
        struct dns_query *query = &attempt->dns[attempt->dns_count++];
        const char *servers = arena_string(&attempt->arena, resolver_servers(item->sweep->resolver));
        *query = (struct dns_query){.type = types[i], .resolver = servers == NULL ? "" : servers};
        read_answer(question, &attempt->arena, query);
    }
}

/* --- from a name to connections ------------------------------------------------------------------------------------ */

static void connect_family(struct sweep_item *item, size_t family, const struct address *address)
{
    char why[POLICY_WHY_BYTES] = "";
    if (item->tried & only[family])
        return;
    if (item->sweep->options.policy != NULL &&
        !policy_allows_address(item->sweep->options.policy, address, why))
        sweep_refuse(item, address, LOCAL_POLICY, 0, why);
    else if (!sweep_connection_add(item, address))
        sweep_fail(item->sweep);
}

static bool first_address(const struct sweep_question *question, struct address *ret_address)
{
    struct arena arena;
    struct dns_query query = {.type = types[question - question->item->questions]};
    bool found = false;
    arena_init(&arena, EVIDENCE_ARENA_BYTES);
    read_answer(question, &arena, &query);
    for (size_t i = 0; i < query.answer_count && !found; i++) {
        found = query.answers[i].address.length > 0;
        if (found)
            *ret_address = query.answers[i].address;
    }
    arena_done(&arena);
    return found;
}

static bool all_answered(const struct sweep_item *item)
{
    for (size_t i = 0; i < SWEEP_FAMILIES; i++)
        if (item->questions[i].asked && !item->questions[i].answered)
            return false;
    return true;
}

static void on_all_answered(struct sweep_item *item)
{
    struct address address;
    bool any = false;
    item->sweep->counts.resolving--;
    for (size_t i = 0; i < SWEEP_FAMILIES; i++) {
        struct sweep_question *question = &item->questions[i];
        resolver_forget(question->query);
        question->query = NULL;
        if (!question->asked || !first_address(question, &address))
            continue;
        any = true;
        connect_family(item, i, &address);
    }
    if (!any)
        sweep_unresolved(item);
    sweep_item_release(item);
}

static void on_answer(int status, const uint8_t *bytes, size_t length, void *arg)
{
    struct sweep_question *question = arg;
    struct sweep_item *item = question->item;
    struct sweep *sweep = item->sweep;
    question->answered = true;
    question->status = status;
    question->took_us = (uint64_t)(clock_mono_us() - question->asked_us);
    if (bytes != NULL && length <= MESSAGE_MAX && (question->bytes = malloc(length + 1)) != NULL) {
        memcpy(question->bytes, bytes, length);
        question->length = length;
    }
    if (sweep->stopping || !item->asked_all || !all_answered(item))
        return;
    on_all_answered(item);
    sweep_look_soon(sweep);
}

static void ask(struct sweep_item *item, size_t family)
{
    struct sweep_question *question = &item->questions[family];
    *question = (struct sweep_question){.item = item, .asked = true, .asked_us = clock_mono_us()};
    struct resolver_question asked = {.name = item->endpoint.host,
                                      .type = (int)types[family],
                                      .how = ASK_PLAIN,
                                      .answer = on_answer,
                                      .arg = question};
    question->query = resolver_ask(item->sweep->resolver, &asked);
    if (question->query == NULL) {
        question->answered = true;
        question->status = ARES_ENOMEM;
    }
}

/* @return false: the hosts file does not have the name. */
static bool from_hosts_file(struct sweep_item *item)
{
    struct address found[SWEEP_FAMILIES];
    bool has[SWEEP_FAMILIES] = {false};
    if (item->sweep->hosts == NULL)
        return false;
    for (size_t i = 0; i < SWEEP_FAMILIES; i++)
        has[i] = hosts_find(item->sweep->hosts, item->endpoint.host, i == 0 ? AF_INET : AF_INET6, &found[i],
                            1) > 0;
    item->from_hosts_file = has[0] || has[1];
    bool any = false;
    for (size_t i = 0; i < SWEEP_FAMILIES; i++) {
        if (!has[i] || !wanted(item, i))
            continue;
        any = true;
        connect_family(item, i, &found[i]);
    }
    if (item->from_hosts_file && !any)
        sweep_unresolved(item);
    return item->from_hosts_file;
}

void sweep_resolve(struct sweep_item *item)
{
    if (from_hosts_file(item))
        return;
    item->questions = calloc(SWEEP_FAMILIES, sizeof *item->questions);
    if (item->questions == NULL) {
        sweep_fail(item->sweep);
        return;
    }
    item->open++;
    item->sweep->counts.resolving++;
    for (size_t i = 0; i < SWEEP_FAMILIES; i++)
        if (wanted(item, i))
            ask(item, i);
    item->asked_all = true;
    if (all_answered(item)) /* an answer may come before its question is out */
        on_all_answered(item);
}
