#include "probe/dns_answer.h"
#include "probe/probe.h"
#include "words/target.h"

#include <ares.h>
#include <errno.h>
#include <string.h>

/*
 * A and AAAA are asked side by side and each answer is kept: which family exists, and what each resolver said, is evidence.
 * When they give no address, one of them is asked once more, in the way that tells what stands behind it: a resolver that
 * failed, with DNSSEC checking disabled; one that kept silent, over TCP. A second answer that contradicts the first is kept
 * too, as long as the attempt lasts.
 */

static const uint32_t family_types[PROBE_FAMILIES] = {DNS_TYPE_A, DNS_TYPE_AAAA};

static bool family_wanted(const struct probe *probe, size_t family)
{
    unsigned flags = probe->task->job.flags;
    return !(flags & (family == 0 ? PROBE_ONLY_IPV6 : PROBE_ONLY_IPV4));
}

static void on_answer(int status, const uint8_t *bytes, size_t length, void *arg)
{
    struct probe_question *question = arg;
    struct probe *probe = question->probe;
    struct dns_query *query = &probe->attempt->dns[question->index];
    question->answered = true;
    query->took_us = (uint64_t)(probe_now_us(probe) - question->asked_us);
    query->status = status;
    if (bytes != NULL && !dns_answer_read(bytes, length, &probe->attempt->arena, query))
        query->status = ARES_EBADRESP;
    if (!probe->stepping)
        probe_step(probe);
}

static bool same_answers(const struct dns_query *a, const struct dns_query *b)
{
    bool any = false;
    for (size_t i = 0; i < a->answer_count; i++) {
        for (size_t j = 0; j < b->answer_count; j++) {
            const struct address *left = &a->answers[i].address, *right = &b->answers[j].address;
            if (left->length > 0 && right->length > 0 && address_equal(left, right))
                return true;
        }
        any |= a->answers[i].address.length > 0;
    }
    for (size_t j = 0; j < b->answer_count; j++)
        any |= b->answers[j].address.length > 0;
    return !any && a->rcode == b->rcode;
}

static void on_late(int status, const uint8_t *bytes, size_t length, void *arg)
{
    const struct probe_question *question = arg;
    struct probe *probe = question->probe;
    struct attempt *attempt = probe->attempt;
    const struct dns_query *first = &attempt->dns[question->index];
    struct dns_query late = {
        .how = ASK_LATE, .type = first->type, .resolver = first->resolver, .status = status};
    if (attempt->dns_count == EVIDENCE_MAX_DNS || !dns_answer_read(bytes, length, &attempt->arena, &late) ||
        same_answers(first, &late))
        return;
    for (size_t i = 0; i < attempt->dns_count; i++)
        if (attempt->dns[i].how == ASK_LATE && attempt->dns[i].type == late.type)
            return;
    late.took_us = (uint64_t)(probe_now_us(probe) - question->asked_us);
    attempt->dns[attempt->dns_count++] = late;
}

/* @return the query's place in the evidence, with nothing answered yet. */
static struct dns_query *new_query(struct probe *probe, uint32_t type)
{
    struct attempt *attempt = probe->attempt;
    struct dns_query *query = &attempt->dns[attempt->dns_count++];
    *query = (struct dns_query){.type = type, .resolver = "", .rcode = -1, .status = ARES_SUCCESS};
    return query;
}

static void ask_one(struct probe *probe, size_t place, uint32_t type, enum evidence_ask how)
{
    struct dns_query *query = new_query(probe, type);
    const char *servers = arena_string(&probe->attempt->arena, resolver_servers(probe->prober->resolver));
    query->resolver = servers == NULL ? "" : servers;
    query->how = how;
    struct probe_question *question = &probe->questions[place];
    *question = (struct probe_question){
        .probe = probe, .index = (unsigned)probe->attempt->dns_count - 1, .asked_us = probe_now_us(probe)};
    struct resolver_question asked = {.name = probe->task->job.endpoint.host,
                                      .type = (int)type,
                                      .how = how,
                                      .answer = on_answer,
                                      .late = how == ASK_PLAIN ? on_late : NULL,
                                      .arg = question};
    question->query = resolver_ask(probe->prober->resolver, &asked);
    if (question->query == NULL) {
        query->status = ARES_ENOMEM;
        question->answered = true;
    }
}

/* A name that the hosts file has is not asked for: that is how this machine's other programs see it. */
static bool ask_hosts_file(struct probe *probe)
{
    struct address found[PROBE_FAMILIES][EVIDENCE_MAX_ANSWERS];
    size_t counts[PROBE_FAMILIES] = {0};
    const char *host = probe->task->job.endpoint.host;
    if (probe->prober->hosts == NULL)
        return false;
    for (size_t i = 0; i < PROBE_FAMILIES; i++)
        counts[i] = hosts_find(probe->prober->hosts, host, i == 0 ? AF_INET : AF_INET6, found[i],
                               EVIDENCE_MAX_ANSWERS);
    if (counts[0] + counts[1] == 0)
        return false;
    for (size_t i = 0; i < PROBE_FAMILIES; i++) {
        if (!family_wanted(probe, i))
            continue;
        struct dns_query *query = new_query(probe, family_types[i]);
        query->from_hosts_file = true;
        query->rcode = 0;
        query->answers = arena_array(&probe->attempt->arena, counts[i], sizeof *query->answers);
        query->answer_count = query->answers == NULL ? 0 : counts[i];
        for (size_t j = 0; j < query->answer_count; j++)
            query->answers[j] = (struct dns_answer){.name = "", .address = found[i][j]};
    }
    return true;
}

static void ask(struct probe *probe)
{
    if (ask_hosts_file(probe))
        return;
    for (size_t i = 0; i < PROBE_FAMILIES; i++)
        if (family_wanted(probe, i))
            ask_one(probe, i, family_types[i], ASK_PLAIN);
}

static bool all_answered(const struct probe *probe)
{
    for (size_t i = 0; i < PROBE_QUESTIONS; i++)
        if (probe->questions[i].query != NULL && !probe->questions[i].answered)
            return false;
    return true;
}

static void give_up(struct probe *probe)
{
    for (size_t i = 0; i < PROBE_QUESTIONS; i++) {
        struct probe_question *question = &probe->questions[i];
        if (question->query == NULL || question->answered)
            continue;
        struct dns_query *query = &probe->attempt->dns[question->index];
        query->status = ARES_ETIMEOUT;
        query->took_us = (uint64_t)(probe_now_us(probe) - question->asked_us);
        resolver_forget(question->query);
        question->query = NULL;
    }
}

/* The first address becomes this probe's; each other one that is wanted, another probe's. */
static void choose(struct probe *probe)
{
    bool all = probe->task->job.flags & PROBE_ALL_ADDRESSES;
    for (size_t i = 0; i < probe->attempt->dns_count; i++) {
        const struct dns_query *query = &probe->attempt->dns[i];
        if (query->how != ASK_PLAIN)
            continue;
        bool chosen = false;
        for (size_t j = 0; j < query->answer_count && (all || !chosen); j++) {
            const struct address *address = &query->answers[j].address;
            if (address->length == 0)
                continue;
            chosen = true;
            if (probe->address.length == 0)
                probe->address = *address;
            else
                prober_fork(probe, address);
        }
    }
}

/* @return false when there is nothing, or nothing more, to ask. */
static bool ask_again(struct probe *probe)
{
    enum { RCODE_SERVFAIL = 2 };
    if (probe->questions[PROBE_FAMILIES].probe != NULL)
        return false;
    for (size_t i = 0; i < probe->attempt->dns_count; i++) {
        const struct dns_query *query = &probe->attempt->dns[i];
        bool silent = query->rcode < 0 && query->status == ARES_ETIMEOUT;
        if (query->rcode != RCODE_SERVFAIL && !silent)
            continue;
        ask_one(probe, PROBE_FAMILIES, query->type, silent ? ASK_TCP : ASK_NO_CHECK);
        return true;
    }
    return false;
}

/* Both texts go into the DNS question, the ClientHello and the Host header: nothing but names and addresses may. */
static bool names_are_names(const struct endpoint *endpoint)
{
    struct address ignored;
    return (target_is_name(endpoint->host) || address_parse(endpoint->host, &ignored)) &&
           (endpoint->sni[0] == '\0' || target_is_name(endpoint->sni));
}

enum probe_stage probe_stage_resolve(struct probe *probe)
{
    const struct endpoint *endpoint = &probe->task->job.endpoint;
    if (!names_are_names(endpoint))
        return probe_local(probe, LOCAL_OTHER, EINVAL, "not a host name");
    bool asked = probe->attempt->dns_count > 0;
    if (!asked && !probe_allowed(probe, NULL)) {
        probe->attempt->flow.destination = endpoint->address;
        return PROBE_CLOSE;
    }
    if (endpoint->address.length > 0)
        probe->address = endpoint->address;
    if (probe->address.length > 0 || address_parse(endpoint->host, &probe->address))
        return PROBE_CONNECT;
    if (!asked)
        ask(probe);
    bool late = !all_answered(probe);
    if (late && !probe_expired(probe))
        return probe_wait_for(probe, WANT_NOTHING, 0);
    give_up(probe);
    if (late)
        return PROBE_CLOSE;
    probe_stamp(probe, &probe->attempt->clock.resolved_us);
    choose(probe);
    if (probe->address.length == 0)
        return ask_again(probe) ? probe_stage_resolve(probe) : PROBE_CLOSE;
    probe->attempt->flow.destination = probe->address;
    return probe_allowed(probe, &probe->address) ? PROBE_CONNECT : PROBE_CLOSE;
}
