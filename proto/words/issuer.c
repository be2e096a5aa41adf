#include "words/issuer.h"

#include <string.h>

int issuer_named(const struct evidence_tls *tls, size_t index)
{
    const char *issuer = tls->chain[index].issuer;
    for (size_t i = 0; i < tls->chain_count; i++) {
        if (i != index && tls->chain[i].parsed && issuer[0] != '\0' &&
            strcmp(issuer, tls->chain[i].subject) == 0)
            return (int)i;
    }
    return -1;
}

size_t issuer_top(const struct evidence_tls *tls)
{
    size_t at = 0;
    for (size_t steps = 0; !tls->chain[at].self_signed && steps < tls->chain_count; steps++) {
        int next = issuer_named(tls, at);
        if (next < 0)
            break;
        at = (size_t)next;
    }
    return at;
}

/* How far a fetch came; one that was not made counts as the least. */
static int rank(enum evidence_issuer issuer)
{
    switch (issuer) {
    case ISSUER_NOT_FETCHED:
    case ISSUER_FAILED:
        return 0;
    case ISSUER_MALFORMED:
        return 1;
    case ISSUER_OTHER:
        return 2;
    case ISSUER_SIGNS:
        return 3;
    case ISSUER_COMPLETES:
        return 4;
    }
    return 0;
}

static bool is_hop(const struct case_file *file, size_t index)
{
    return file->origins[index] == NULL && file->attempts[index]->variant == VARIANT_ISSUER;
}

const struct attempt *issuer_last(const struct case_file *file, size_t *ret_hops)
{
    const struct attempt *last = NULL;
    size_t hops = 0;
    for (size_t i = 1; i < file->count; i++) {
        const struct attempt *attempt = file->attempts[i];
        if (!is_hop(file, i))
            continue;
        bool same = last != NULL && strcmp(attempt->tls.issuer_url, last->tls.issuer_url) == 0;
        hops += !same;
        if (!same || rank(attempt->tls.issuer) > rank(last->tls.issuer))
            last = attempt;
    }
    if (ret_hops != NULL)
        *ret_hops = hops;
    return last;
}

static bool same_certificate(const struct attempt *fetched, const struct chain_certificate *other)
{
    return memcmp(fetched->tls.chain[0].sha256, other->sha256, sizeof other->sha256) == 0;
}

/* Was what this hop fetched, or what it names, there before it? */
static bool goes_round(const struct case_file *file, const struct attempt *hop)
{
    const struct evidence_tls *sent = &file->attempts[0]->tls;
    for (size_t i = 0; i < sent->chain_count; i++) {
        if (same_certificate(hop, &sent->chain[i]))
            return true;
    }
    for (size_t i = 1; i < file->count; i++) {
        const struct attempt *other = file->attempts[i];
        if (!is_hop(file, i))
            continue;
        if (strcmp(other->tls.issuer_url, hop->tls.leaf.issuer_url) == 0 ||
            (strcmp(other->tls.issuer_url, hop->tls.issuer_url) != 0 && other->tls.chain_count > 0 &&
             same_certificate(hop, &other->tls.chain[0])))
            return true;
    }
    return false;
}

const struct attempt *issuer_next(const struct case_file *file)
{
    const struct attempt *first = file->attempts[0];
    size_t hops;
    const struct attempt *last = issuer_last(file, &hops);
    if (last == NULL) {
        size_t top = first->tls.chain_count == 0 ? 0 : issuer_top(&first->tls);
        bool names_one =
            top == 0 ? first->tls.leaf.issuer_url[0] != '\0' : first->tls.chain[top].aia == PRESENCE_PRESENT;
        return names_one ? first : NULL;
    }
    bool goes_on = last->tls.issuer == ISSUER_SIGNS && last->tls.chain_count > 0 &&
                   !last->tls.chain[0].self_signed && last->tls.leaf.issuer_url[0] != '\0';
    return goes_on && hops < ISSUER_MAX_HOPS && !goes_round(file, last) ? last : NULL;
}
