#ifndef PARALLAX_PROBE_RESOLVER_H
#define PARALLAX_PROBE_RESOLVER_H

#include "words/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/*
 * c-ares on a libuv loop: one question, one raw answer. Nothing is searched, cached, retried elsewhere after
 * an answer, or put in order: each answer is evidence. What comes after the answer is looked at as well (linger.h).
 */
struct resolver;
struct resolver_query;

/**
 * @param status  ARES_*; an answer with an error rcode also has one.
 * @param bytes   the DNS message, NULL when none came. Valid during the call.
 */
typedef void (*resolver_answer)(int status, const uint8_t *bytes, size_t length, void *arg);

struct resolver_question {
    const char *name;
    int type;              /* DNS_TYPE_* */
    enum evidence_ask how; /* PLAIN, NO_CHECK or TCP */
    resolver_answer answer;
    resolver_answer
        late; /* another datagram for the same question, within 3 s of its answer; NULL: of no interest */
    void *arg;
};

/** @param servers  as prober_options.resolver; NULL: the system's. @param ret_why  one line; the caller frees
 * it. */
struct resolver *resolver_new(uv_loop_t *loop, const char *servers, char **ret_why);

/**
 * Asks for records of one type. The answer may come before this returns.
 * @return the query, the caller's until resolver_forget; NULL without memory, and no answer comes.
 */
struct resolver_query *resolver_ask(struct resolver *resolver, const struct resolver_question *question);

/** Whatever comes is wanted no more: no callback is called again. NULL is fine. */
void resolver_forget(struct resolver_query *query);

/** The servers asked, "192.0.2.53:53", several with commas. Lives as long as the resolver. */
const char *resolver_servers(const struct resolver *resolver);

/** Ends it; closed(arg) comes from the loop after every handle is closed and the memory freed. */
void resolver_close(struct resolver *resolver, void (*closed)(void *arg), void *arg);

#endif
