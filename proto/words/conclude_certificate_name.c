#include "words/conclude_certificate.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/*
 * A certificate that does not cover the name. Which of its look-alikes it is shows in the names it has, and in what the same
 * server presents when no name is sent: the same certificate then means that the name is not configured here.
 */

enum { NAMES_SHOWN = 6, NAMES_BYTES = 400 };

static bool mismatches(const struct case_file *file)
{
    return cert_raised(file, X509_V_ERR_HOSTNAME_MISMATCH) ||
           cert_raised(file, X509_V_ERR_IP_ADDRESS_MISMATCH);
}

static const char *host_of(const struct case_file *file)
{
    const char *name = endpoint_sni(file->endpoint);
    return name[0] != '\0' ? name : file->endpoint->host;
}

/* RFC 6125, 6.4.3: the wildcard stands for the whole left-most label. */
static bool covers(const char *pattern, const char *host)
{
    if (strncmp(pattern, "*.", 2) != 0)
        return strcasecmp(pattern, host) == 0;
    const char *rest = strchr(host, '.');
    return rest != NULL && rest != host && strcasecmp(pattern + 1, rest) == 0;
}

/* "*.x" against "a.b.x", or against "x" itself: the name lies below the wildcard's, only deeper, or just above. */
static bool lies_deeper(const char *pattern, const char *host)
{
    size_t host_length = strlen(host), tail_length = strlen(pattern);
    if (strncmp(pattern, "*.", 2) != 0)
        return false;
    if (strcasecmp(pattern + 2, host) == 0)
        return true;
    if (host_length <= --tail_length)
        return false;
    const char *tail = host + host_length - tail_length;
    return strcasecmp(tail, pattern + 1) == 0 && memchr(host, '.', (size_t)(tail - host)) != NULL;
}

static const char *short_wildcard(const struct case_file *file)
{
    const struct evidence_leaf *leaf = &cert_tls(file)->leaf;
    for (size_t i = 0; i < leaf->name_count; i++) {
        if (lies_deeper(leaf->names[i], host_of(file)))
            return leaf->names[i];
    }
    return NULL;
}

bool cert_wildcard_short(const struct case_file *file)
{
    return mismatches(file) && short_wildcard(file) != NULL;
}

bool cert_tell_wildcard(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    const char *host = host_of(file), *rest = strchr(host, '.');
    if (strcasecmp(short_wildcard(file) + 2, host) == 0)
        return conclusion_fact(conclusion, arena, "wildcard", "%s", short_wildcard(file)) &&
               conclusion_fact(conclusion, arena, "needed", "%s", host) &&
               cert_tell_names(file, arena, conclusion);
    return conclusion_fact(conclusion, arena, "wildcard", "%s", short_wildcard(file)) &&
           (rest == NULL || conclusion_fact(conclusion, arena, "needed", "*%s", rest)) &&
           cert_tell_names(file, arena, conclusion);
}

bool cert_only_common_name(const struct case_file *file)
{
    const struct evidence_tls *tls = cert_tls(file);
    return mismatches(file) && cert_leaf(file) != NULL && tls->leaf.name_count == 0 &&
           covers(tls->leaf.common_name, host_of(file));
}

/* The leaf of a variant, when the server presented one. */
static const struct chain_certificate *leaf_of(const struct case_file *file, enum variant variant)
{
    const struct attempt *attempt = case_variant(file, variant);
    return attempt == NULL || attempt->tls.chain_count == 0 ? NULL : &attempt->tls.chain[0];
}

static bool same_certificate(const struct chain_certificate *one, const struct chain_certificate *other)
{
    return memcmp(one->sha256, other->sha256, sizeof one->sha256) == 0;
}

bool cert_default(const struct case_file *file)
{
    const struct evidence_tls *tls = cert_tls(file);
    const struct chain_certificate *nameless = leaf_of(file, VARIANT_NO_SNI);
    return mismatches(file) && tls->sni[0] != '\0' && tls->chain_count > 0 && nameless != NULL &&
           same_certificate(&tls->chain[0], nameless) && !cert_wildcard_short(file) &&
           !cert_only_common_name(file);
}

bool cert_name_wrong(const struct case_file *file)
{
    return mismatches(file) && !cert_default(file) && !cert_wildcard_short(file) &&
           !cert_only_common_name(file);
}

/* "a.example, b.example, ...": as many as a line bears. */
static void list_names(const struct evidence_leaf *leaf, char out[NAMES_BYTES])
{
    size_t used = 0, shown = 0;
    out[0] = '\0';
    for (; shown < leaf->name_count && shown < NAMES_SHOWN; shown++) {
        size_t length = strlen(leaf->names[shown]);
        if (used + length + sizeof ", ..." >= NAMES_BYTES)
            break;
        used += (size_t)snprintf(out + used, NAMES_BYTES - used, "%s%s", shown > 0 ? ", " : "",
                                 leaf->names[shown]);
    }
    if (shown < leaf->name_count || leaf->names_dropped > 0)
        (void)snprintf(out + used, NAMES_BYTES - used, "%s...", shown > 0 ? ", " : "");
    else if (leaf->name_count == 0)
        (void)snprintf(out, NAMES_BYTES, "%s", leaf->common_name);
}

bool cert_tell_names(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    char names[NAMES_BYTES];
    const struct evidence_tls *tls = cert_tls(file);
    const struct chain_certificate *nameless = leaf_of(file, VARIANT_NO_SNI);
    if (conclusion->cause == CAUSE_CERT_NAME && nameless != NULL && tls->chain_count > 0) {
        conclusion_rule_out(conclusion, CAUSE_CERT_DEFAULT, VARIANT_NO_SNI);
        conclusion->certainty = CERTAINTY_CONFIRMED;
    }
    if (cert_leaf(file) == NULL)
        return true;
    list_names(&tls->leaf, names);
    return conclusion_fact(conclusion, arena, "names", "%s", names);
}

bool cert_tell_default(const struct case_file *file, struct arena *arena, struct conclusion *conclusion)
{
    conclusion->certainty = CERTAINTY_CONFIRMED; /* the name does not match, and the no-SNI variant agrees */
    return cert_tell_names(file, arena, conclusion);
}
