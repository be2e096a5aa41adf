#include "words/evidence.h"

#include <stdlib.h>
#include <string.h>

#define N_(text) text

void attempt_forget_connection(struct attempt *attempt)
{
    int64_t resolved_us = attempt->clock.resolved_us;
#define X(field, name) attempt->clock.field = EVIDENCE_NEVER;
    EVIDENCE_STAMPS(X)
#undef X
    attempt->clock.resolved_us = resolved_us;
    attempt->flow = (struct evidence_flow){.icmp_type = -1, .icmp_code = -1};
    memset(attempt->tcp, 0, sizeof attempt->tcp);
    attempt->tls = (struct evidence_tls){.alpn = "", .sni = "", .issuer_url = "", .responder_url = ""};
    attempt->tls.leaf =
        (struct evidence_leaf){.common_name = "", .issuer_url = "", .ocsp_url = "", .crl_url = ""};
    attempt->tls.ocsp.reason = -1;
    attempt->http = (struct evidence_http){.reason = ""};
    attempt->end = (struct evidence_end){0};
    attempt->engine = ENGINE_NONE;
}

static void begin(struct attempt *attempt)
{
    attempt->agent_version = attempt->tls_library = attempt->hello_profile = attempt->local_detail = "";
    attempt_forget_connection(attempt);
    attempt->clock.resolved_us = EVIDENCE_NEVER;
}

struct attempt *attempt_new(void)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (attempt == NULL)
        return NULL;
    arena_init(&attempt->arena, EVIDENCE_ARENA_BYTES);
    begin(attempt);
    return attempt;
}

void attempt_clear(struct attempt *attempt)
{
    arena_clear(&attempt->arena);
    struct arena arena = attempt->arena;
    memset(attempt, 0, sizeof *attempt);
    attempt->arena = arena;
    begin(attempt);
}

void attempt_free(struct attempt *attempt)
{
    if (attempt == NULL)
        return;
    arena_done(&attempt->arena);
    free(attempt);
}

const char *attempt_header(const struct attempt *attempt, const char *name)
{
    for (size_t i = 0; i < attempt->http.header_count; i++) {
        if (strcmp(attempt->http.headers[i].name, name) == 0)
            return attempt->http.headers[i].value;
    }
    return NULL;
}

bool attempt_comes_through(const struct attempt *attempt)
{
    return attempt->clock.handshake_us != EVIDENCE_NEVER ||
           (attempt->depth == DEPTH_HELLO && attempt->tls.version != 0 && attempt->end.how == ENDING_BY_US);
}

bool attempt_alert(const struct attempt *attempt, bool received, uint8_t *ret_level, uint8_t *ret_description)
{
    for (size_t i = attempt->tls.record_count; i > 0; i--) {
        const struct tls_record *record = &attempt->tls.records[i - 1];
        if (record->content != 21 || record->received != received)
            continue;
        *ret_level = record->level;
        *ret_description = record->type;
        return true;
    }
    return false;
}

#define NAME_CASE(symbol, number, name)                                                                      \
    case symbol:                                                                                             \
        return name;

const char *evidence_ask_name(int ask)
{
    switch (ask) {
        EVIDENCE_ASKS(NAME_CASE)
    }
    return "?";
}

const char *evidence_call_name(int call)
{
    switch (call) {
        EVIDENCE_CALLS(NAME_CASE)
    }
    return "?";
}

const char *evidence_moment_name(int moment)
{
    switch (moment) {
        EVIDENCE_MOMENTS(NAME_CASE)
    }
    return "?";
}

const char *evidence_ending_name(int ending)
{
    switch (ending) {
        EVIDENCE_ENDINGS(NAME_CASE)
    }
    return "?";
}

const char *evidence_engine_name(int engine)
{
    switch (engine) {
        EVIDENCE_ENGINES(NAME_CASE)
    }
    return "?";
}

const char *evidence_staple_name(int staple)
{
    switch (staple) {
        EVIDENCE_STAPLES(NAME_CASE)
    }
    return "?";
}

const char *evidence_local_name(int local)
{
    switch (local) {
        EVIDENCE_LOCALS(NAME_CASE)
    }
    return "?";
}

const char *evidence_presence_name(int presence)
{
    switch (presence) {
        EVIDENCE_PRESENCES(NAME_CASE)
    }
    return "?";
}

const char *evidence_ocsp_status_name(int status)
{
    switch (status) {
        EVIDENCE_OCSP_STATUSES(NAME_CASE)
    }
    return "?";
}

const char *evidence_signature_name(int signature)
{
    switch (signature) {
        EVIDENCE_SIGNATURES(NAME_CASE)
    }
    return "?";
}

const char *evidence_issuer_name(int issuer)
{
    switch (issuer) {
        EVIDENCE_ISSUERS(NAME_CASE)
    }
    return "?";
}

const char *evidence_responder_name(int responder)
{
    switch (responder) {
        EVIDENCE_RESPONDERS(NAME_CASE)
    }
    return "?";
}

const char *evidence_abuse_name(int abuse)
{
#define ABUSE_NAME_CASE(symbol, number, name, what)                                                          \
    case symbol:                                                                                             \
        return name;
    switch (abuse) {
        EVIDENCE_ABUSES(ABUSE_NAME_CASE)
    }
    return "?";
}

const char *evidence_abuse_what(int abuse)
{
#define ABUSE_WHAT_CASE(symbol, number, name, what)                                                          \
    case symbol:                                                                                             \
        return what;
    switch (abuse) {
        EVIDENCE_ABUSES(ABUSE_WHAT_CASE)
    }
    return "";
}
