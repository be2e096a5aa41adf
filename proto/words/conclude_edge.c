#include "words/cause.h"
#include "words/cdn.h"

#include <stddef.h>
#include <string.h>

/*
 * An edge (a CDN's, or a reverse proxy) that answers, and the origin behind it. The status says that the edge cannot use its
 * origin; when the origin was probed as well (case_file.origins), with and without SNI, its attempts say why:
 *
 *   with SNI                   without SNI              the edge's fault
 *   bad certificate            -                        it rejects that certificate
 *   fine                       fails, other certificate it sends no SNI
 *   fails                      fails                    none: the origin fails for everyone
 *   fine                       fine                     not in TLS: what it connects to, or how long it waits
 */

struct origin {
    bool probed;
    size_t with_sni; /* places in the case; 0: not made */
    size_t without_sni;
};

static struct origin find_origin(const struct case_file *file)
{
    struct origin origin = {0};
    for (size_t i = 1; i < file->count; i++) {
        /* what this vantage could not, or would not, try says nothing of the origin */
        if (file->origins[i] == NULL || file->outcomes[i].stage == OUTCOME_STAGE_LOCAL)
            continue;
        size_t *place = file->attempts[i]->variant == VARIANT_NO_SNI ? &origin.without_sni : &origin.with_sni;
        if (*place == 0)
            *place = i;
    }
    origin.probed = origin.with_sni != 0;
    return origin;
}

static bool name_cause(struct conclusion *conclusion, enum cause cause, enum certainty certainty)
{
    conclusion->cause = cause;
    conclusion->certainty = certainty;
    return true;
}

/* --- what the origin's attempts say ------------------------------------------------------------------------------- */

/* The origin as a case of its own. */
static bool conclude_origin(const struct case_file *file, const struct origin *origin, struct arena *arena,
                            struct conclusion *ret_conclusion)
{
    struct case_file own = {.endpoint = file->origins[origin->with_sni],
                            .now_us = file->now_us,
                            .expiry_days = file->expiry_days};
    const size_t places[] = {origin->with_sni, origin->without_sni};
    for (size_t i = 0; i < sizeof places / sizeof places[0] && places[i] != 0; i++) {
        own.attempts[own.count] = file->attempts[places[i]];
        own.outcomes[own.count++] = file->outcomes[places[i]];
    }
    return conclude(&own, arena, ret_conclusion);
}

static const char *find_fact(const struct conclusion *conclusion, const char *key)
{
    for (size_t i = 0; i < conclusion->fact_count; i++)
        if (strcmp(conclusion->facts[i].key, key) == 0)
            return conclusion->facts[i].value;
    return NULL;
}

/* Where the origin is, and what is wrong with it: "expired, 2026-11-01 00:00 UTC". */
static void origin_facts(const struct case_file *file, const struct origin *origin,
                         const struct conclusion *own, struct arena *arena, struct conclusion *conclusion)
{
    char text[ADDRESS_TEXT_BYTES];
    const struct evidence_flow *flow = &file->attempts[origin->with_sni]->flow;
    bool v6 = flow->destination.length == 16;
    (void)conclusion_fact(conclusion, arena, "origin", v6 ? "[%s]:%u" : "%s:%u",
                          address_text(&flow->destination, text), file->origins[origin->with_sni]->port);
    const char *date = find_fact(own, "date");
    (void)conclusion_fact(conclusion, arena, "fault", "%s%s%s", cause_row(own->cause)->name,
                          date == NULL ? "" : ", ", date == NULL ? "" : date);
    (void)conclusion_fact(conclusion, arena, "origin_cause", "%s", cause_row(own->cause)->id);
}

static bool has_bad_certificate(const struct case_file *file, const struct origin *origin)
{
    return file->outcomes[origin->with_sni].stage == OUTCOME_STAGE_CERTIFICATE;
}

static bool comes_through(const struct case_file *file, size_t place)
{
    enum outcome_stage stage = file->outcomes[place].stage;
    return stage == OUTCOME_STAGE_DONE || stage == OUTCOME_STAGE_HTTP;
}

static bool breaks_in_handshake(const struct case_file *file, size_t place)
{
    enum outcome_stage stage = file->outcomes[place].stage;
    return stage == OUTCOME_STAGE_HELLO || stage == OUTCOME_STAGE_TLS;
}

/* Without SNI it does not come to a connection, or to another certificate than the name's. */
static bool needs_sni(const struct case_file *file, const struct origin *origin)
{
    return origin->without_sni != 0 && comes_through(file, origin->with_sni) &&
           !comes_through(file, origin->without_sni) &&
           (breaks_in_handshake(file, origin->without_sni) ||
            file->outcomes[origin->without_sni].stage == OUTCOME_STAGE_CERTIFICATE);
}

/* --- an edge that cannot use its origin --------------------------------------------------------------------------- */

static enum cause cause_of_status(int32_t status)
{
    static const struct {
        int32_t status;
        enum cause cause;
    } rows[] = {
        {520, CAUSE_EDGE_520}, {521, CAUSE_EDGE_521}, {522, CAUSE_EDGE_522}, {523, CAUSE_EDGE_523},
        {524, CAUSE_EDGE_524}, {525, CAUSE_EDGE_525}, {526, CAUSE_EDGE_526}, {530, CAUSE_EDGE_530},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return rows[i].cause;
    return CAUSE_EDGE_GATEWAY;
}

/* Could this status come of a handshake with the origin that failed? 502 and 503 say nothing closer; 504 is about time. */
static bool may_be_handshake(int32_t status)
{
    return status == 502 || status == 503 || status == 525 || status == 526;
}

static bool conclude_with_origin(const struct case_file *file, const struct origin *origin,
                                 struct arena *arena, struct conclusion *conclusion)
{
    int32_t status = file->outcomes[0].raw;
    enum cause by_status = cause_of_status(status);
    struct conclusion own;
    if (!conclude_origin(file, origin, arena, &own))
        return false;
    origin_facts(file, origin, &own, arena, conclusion);
    if (has_bad_certificate(file, origin) && may_be_handshake(status)) {
        if (origin->without_sni != 0 && breaks_in_handshake(file, origin->without_sni))
            conclusion_also(conclusion, CAUSE_EDGE_NO_SNI_UPSTREAM);
        return name_cause(conclusion, CAUSE_EDGE_REJECTS_ORIGIN,
                          status == 526 ? CERTAINTY_CONFIRMED : CERTAINTY_CONSISTENT);
    }
    conclusion_rule_out(conclusion, CAUSE_EDGE_REJECTS_ORIGIN, VARIANT_NORMAL);
    if (needs_sni(file, origin) && may_be_handshake(status))
        return name_cause(conclusion, CAUSE_EDGE_NO_SNI_UPSTREAM,
                          breaks_in_handshake(file, origin->without_sni) ? CERTAINTY_CONFIRMED
                                                                         : CERTAINTY_CONSISTENT);
    if (origin->without_sni != 0)
        conclusion_rule_out(conclusion, CAUSE_EDGE_NO_SNI_UPSTREAM, VARIANT_NO_SNI);
    if (by_status != CAUSE_EDGE_GATEWAY)
        return name_cause(conclusion, by_status, CERTAINTY_CONSISTENT);
    return name_cause(conclusion,
                      outcome_is_ok(file->outcomes[origin->with_sni]) ? CAUSE_EDGE_GATEWAY
                                                                      : CAUSE_EDGE_ORIGIN_FAILS,
                      CERTAINTY_CONSISTENT);
}

static void edge_facts(const struct attempt *attempt, struct arena *arena, struct conclusion *conclusion)
{
    struct cdn_match match;
    if (!cdn_identify(attempt, 0, &match))
        return;
    (void)conclusion_fact(conclusion, arena, "cdn", "%s", match.name);
    if (match.pop[0] != '\0')
        (void)conclusion_fact(conclusion, arena, "pop", "%s", match.pop);
}

/*
 * 528 and 529 are nobody's in particular: only behind a CDN they speak of an origin. 503 is what some proxies say when they
 * cannot use their origin, and what servers say of themselves: an origin that fails, or fails without SNI, decides.
 */
static bool speaks_of_origin(const struct case_file *file, const struct origin *origin)
{
    struct cdn_match match;
    int32_t status = file->outcomes[0].raw;
    if (status == 503)
        return origin->probed && (!comes_through(file, origin->with_sni) || needs_sni(file, origin));
    if (file->outcomes[0].class == OUTCOME_HTTP_GATEWAY)
        return true;
    return file->outcomes[0].class == OUTCOME_HTTP_EDGE_ORIGIN &&
           (status <= 527 || status == 530 || cdn_identify(file->attempts[0], 0, &match));
}

static bool conclude_status(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    struct origin origin = find_origin(file);
    (void)conclusion_fact(conclusion, arena, "status", "%d", file->outcomes[0].raw);
    edge_facts(file->attempts[0], arena, conclusion);
    if (!speaks_of_origin(file, &origin))
        return name_cause(conclusion, CAUSE_HTTP_SERVER_ERROR, CERTAINTY_CONSISTENT);
    if (origin.probed)
        return conclude_with_origin(file, &origin, arena, conclusion);
    return name_cause(conclusion, cause_of_status(file->outcomes[0].raw), CERTAINTY_CONSISTENT);
}

/* --- an edge that works --------------------------------------------------------------------------------------------- */

static bool conclude_behind(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    struct origin origin = find_origin(file);
    struct conclusion own;
    if (!origin.probed)
        return false;
    uint16_t edge_version = file->attempts[0]->tls.version;
    uint16_t version = file->attempts[origin.with_sni]->tls.version;
    if (version != 0 && version < edge_version) {
        (void)conclusion_fact(conclusion, arena, "edge_version", "%s", tls_version_name(edge_version));
        (void)conclusion_fact(conclusion, arena, "origin_version", "%s", tls_version_name(version));
        conclusion_also(conclusion, CAUSE_EDGE_VERSIONS_DIFFER);
    }
    if (!has_bad_certificate(file, &origin) || !conclude_origin(file, &origin, arena, &own))
        return false;
    origin_facts(file, &origin, &own, arena, conclusion);
    return name_cause(conclusion, CAUSE_EDGE_ORIGIN_CERTIFICATE, CERTAINTY_CONFIRMED);
}

bool conclude_edge(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    switch ((int)file->outcomes[0].class) {
    case OUTCOME_HTTP_GATEWAY:
    case OUTCOME_HTTP_EDGE_ORIGIN:
    case OUTCOME_HTTP_SERVER_ERROR:
        return conclude_status(file, arena, conclusion);
    case OUTCOME_OK:
        return conclude_behind(file, arena, conclusion);
    default:
        return false;
    }
}
