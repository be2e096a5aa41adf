#include "cli/i18n.h"
#include "diff/parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the fleet is too small to tell is said, not guessed. */

enum { CAVEAT_MAX = 8, CAVEAT_MAX_BYTES = 1024 };

static bool add(struct diff *diff, struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool add(struct diff *diff, struct finding *finding, const char *format, ...)
{
    char text[CAVEAT_MAX_BYTES];
    if (finding->caveat_count == CAVEAT_MAX)
        return true;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *copy = length < 0 ? NULL : arena_string(&diff->arena, text);
    if (copy == NULL)
        return false;
    if (finding->caveats == NULL)
        finding->caveats = arena_array(&diff->arena, CAVEAT_MAX, sizeof *finding->caveats);
    if (finding->caveats == NULL)
        return false;
    finding->caveats[finding->caveat_count++] = copy;
    return true;
}

static bool is_seen(const struct diff *diff, unsigned endpoint, unsigned vantage)
{
    enum cell_state state = diff_state(diff, endpoint, vantage);
    return state != CELL_NONE && state != CELL_LOCAL;
}

/* How many vantages see the endpoint, and how many share this one's region, and its ASN. */
struct company {
    unsigned all;
    unsigned region;
    unsigned asn;
};

static struct company company_of(const struct diff *diff, unsigned endpoint, unsigned vantage)
{
    const struct matrix_vantage *own = &diff->matrix->vantages[vantage];
    struct company company = {0, 0, 0};
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        const struct matrix_vantage *other = &diff->matrix->vantages[v];
        if (!is_seen(diff, endpoint, v))
            continue;
        company.all++;
        company.region += strcmp(own->region, other->region) == 0;
        company.asn += own->asn != 0 && own->asn == other->asn;
    }
    return company;
}

static bool about_all(struct diff *diff, struct finding *finding, unsigned vantage, struct company company)
{
    const struct matrix_vantage *own = &diff->matrix->vantages[vantage];
    if (company.all == 1)
        return add(diff, finding,
                   _("one vantage only: endpoint, region and vantage cannot be told apart; add a vantage "
                     "elsewhere"));
    if (company.region == company.all)
        return add(diff, finding,
                   _("every vantage here is in region %s: endpoint and region cannot be told apart; add a "
                     "vantage elsewhere"),
                   own->region);
    return true;
}

static bool about_vantage(struct diff *diff, struct finding *finding, unsigned vantage,
                          struct company company)
{
    const struct matrix_vantage *own = &diff->matrix->vantages[vantage];
    if (company.region == 1 && company.asn == 1)
        return add(diff, finding,
                   _("%s is the only vantage in region %s and in AS%" PRId64
                     ": region, ASN and vantage cannot be told apart; add a second one"),
                   own->name, own->region, own->asn);
    if (company.region == 1)
        return add(diff, finding,
                   _("%s is the only vantage in region %s: region and vantage cannot be told apart; add a "
                     "second one"),
                   own->name, own->region);
    if (company.asn == 1)
        return add(diff, finding,
                   _("%s is the only vantage in AS%" PRId64
                     ": ASN and vantage cannot be told apart; add a second one"),
                   own->name, own->asn);
    return true;
}

/* What an interceptor looks like, and what else does. */
static bool about_issuer(struct diff *diff, struct finding *finding)
{
    if (finding->kind != FINDING_DIFFERS || finding->aspect != ASPECT_ISSUER ||
        finding->level == FINDING_NOTE)
        return true;
    return add(diff, finding,
               _("another issuer in one place only is what a middlebox that intercepts TLS shows, or a CDN "
                 "that uses "
                 "several CAs: compare %s with the CAs you order from"),
               finding->value);
}

bool diff_caveats(struct diff *diff, struct finding *finding, bool twin)
{
    bool ok = about_issuer(diff, finding);
    if (twin)
        ok = ok && add(diff, finding,
                       _("all vantages of region %s are in one ASN: region and ASN cannot be told apart"),
                       finding->region);
    if (finding->scope != SCOPE_ALL && finding->scope != SCOPE_VANTAGES)
        return ok;
    for (unsigned v = 0; ok && v < diff->matrix->vantage_count; v++) {
        if (!finding->where[v])
            continue;
        struct company company = company_of(diff, finding->endpoint, v);
        if (finding->scope == SCOPE_ALL)
            return about_all(diff, finding, v, company);
        if (finding->kind != FINDING_AT_TIMES)
            ok = about_vantage(diff, finding, v, company);
    }
    return ok;
}
