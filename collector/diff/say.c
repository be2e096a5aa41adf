#include "cli/i18n.h"
#include "diff/parts.h"

#include <inttypes.h>
#include <string.h>

/*
 * A finding in a sentence:
 *   fails from cn-1 (AS4837) 10/10 with reset after ClientHello, confirmed 10/10; passes from hk-1, us-1; origin passes from all
 */

enum { SAY_MAX_NAMES = 8, SAY_MAX_BYTES = 1 << 16, SAY_LEAF_CHARS = 16 };

static unsigned set_count(const struct diff *diff, const bool *set)
{
    unsigned count = 0;
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++)
        count += set[v];
    return count;
}

/* "cn-1, us-2", long lists cut with their number. */
static bool say_names(struct buf *out, const struct diff *diff, const bool *set, bool with_asn)
{
    unsigned said = 0, total = set_count(diff, set);
    bool ok = true;
    for (unsigned v = 0; ok && v < diff->matrix->vantage_count; v++) {
        const struct matrix_vantage *vantage = &diff->matrix->vantages[v];
        if (!set[v])
            continue;
        if (said == SAY_MAX_NAMES && total > SAY_MAX_NAMES + 1)
            return buf_printf(out, _(" and %u more"), total - said);
        ok = buf_printf(out, "%s%s", said > 0 ? ", " : "", vantage->name);
        if (ok && with_asn && vantage->asn != 0)
            ok = buf_printf(out, " (AS%" PRId64 ")", vantage->asn);
        said++;
    }
    return ok;
}

bool say_outcome(struct buf *out, struct outcome outcome)
{
    char raw[128];
    outcome_raw_text(outcome, raw, sizeof raw);
    bool other = (int)outcome.class % 10 == 9;
    bool telling = outcome.raw_kind == RAW_ALERT || outcome.raw_kind == RAW_HTTP_STATUS ||
                   outcome.raw_kind == RAW_SSL_REASON || outcome.raw_kind == RAW_ICMP ||
                   outcome.raw_kind == RAW_ARES;
    bool ok = buf_text(out, T_(outcome_class_text(outcome.class)));
    return ok && ((!other && !telling) || raw[0] == '\0' || buf_printf(out, " (%s)", raw));
}

static bool say_where(struct buf *out, const struct diff *diff, const struct finding *finding)
{
    if (finding->scope == SCOPE_ALL && finding->where_count > 1)
        return buf_text(out, _("all"));
    if (finding->scope == SCOPE_REGION)
        return buf_printf(out, _("region %s ("), finding->region) &&
               say_names(out, diff, finding->where, true) && buf_text(out, ")");
    if (finding->scope == SCOPE_ASN)
        return buf_printf(out, "AS%" PRId64 " (", finding->asn) &&
               say_names(out, diff, finding->where, false) && buf_text(out, ")");
    return say_names(out, diff, finding->where, true);
}

/* Vantages of an endpoint by what they see. */
struct sides {
    bool *passes;
    bool *fails;
    unsigned pass_count;
    unsigned fail_count;
    struct outcome worst; /* of the failing ones, the most common */
};

static bool sides_read(struct diff *diff, unsigned endpoint, const bool *except, struct sides *ret_sides)
{
    struct sides sides = {.passes = diff_set(diff), .fails = diff_set(diff)};
    unsigned most = 0;
    if (sides.passes == NULL || sides.fails == NULL)
        return false;
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        enum cell_state state = diff_state(diff, endpoint, v);
        if (except != NULL && except[v])
            continue;
        sides.passes[v] = state == CELL_PASS || (state == CELL_AT_TIMES && except == NULL);
        sides.fails[v] = state == CELL_FAIL;
        sides.pass_count += sides.passes[v];
        sides.fail_count += sides.fails[v];
        const struct tally *worst = cell_worst(matrix_cell(diff->matrix, endpoint, v));
        if (sides.fails[v] && worst->count > most) {
            most = worst->count;
            sides.worst = worst->outcome;
        }
    }
    *ret_sides = sides;
    return true;
}

/* "all", or the names when that would be one vantage only. */
static bool say_side(struct buf *out, const struct diff *diff, const bool *set, unsigned count, bool all)
{
    return all && count > 1 ? buf_text(out, _("all")) : say_names(out, diff, set, false);
}

/* "; origin passes from all" */
static bool say_counterpart(struct buf *out, struct diff *diff, const struct finding *finding, unsigned other,
                            bool several)
{
    const struct matrix_endpoint *endpoint = &diff->matrix->endpoints[other];
    struct sides sides;
    if (!sides_read(diff, other, NULL, &sides))
        return false;
    bool ok = buf_printf(out, "; %s", endpoint->role == ROLE_EDGE ? _("edge") : _("origin"));
    if (several)
        ok =
            ok && buf_printf(out, " %s:%u", endpoint->address[0] != '\0' ? endpoint->address : endpoint->host,
                             endpoint->port);
    if (sides.pass_count + sides.fail_count == 0)
        return ok && buf_text(out, _(" was not probed"));
    if (sides.pass_count > 0)
        ok = ok && buf_text(out, _(" passes from ")) &&
             say_side(out, diff, sides.passes, sides.pass_count, sides.fail_count == 0);
    if (sides.fail_count == 0)
        return ok;
    if (sides.pass_count > 0)
        ok = ok && buf_text(out, ",");
    bool alike = finding->kind == FINDING_FAILS && sides.worst.class == finding->outcome.class;
    return ok && buf_text(out, alike ? _(" fails alike from ") : _(" fails from ")) &&
           say_side(out, diff, sides.fails, sides.fail_count, sides.pass_count == 0) &&
           buf_text(out, _(" with ")) && say_outcome(out, sides.worst);
}

static bool say_counterparts(struct buf *out, struct diff *diff, const struct finding *finding)
{
    unsigned end = 0, count = 0;
    unsigned first = diff_site(diff->matrix, finding->endpoint, &end);
    for (unsigned e = first; e < end; e++)
        count += diff_paired(diff->matrix, finding->endpoint, e);
    bool ok = true;
    for (unsigned e = first; ok && e < end; e++) {
        if (diff_paired(diff->matrix, finding->endpoint, e))
            ok = say_counterpart(out, diff, finding, e, count > 1);
    }
    return ok;
}

/* A name that resolves may fail over one address family only. */
static const char *lonely_family(const struct diff *diff, const struct finding *finding)
{
    unsigned attempts[2] = {0, 0}, failed[2] = {0, 0};
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        const struct cell *cell = matrix_cell(diff->matrix, finding->endpoint, v);
        for (int f = 0; finding->where[v] && f < 2; f++) {
            attempts[f] += cell->family_attempts[f];
            failed[f] += cell->family_failed[f];
        }
    }
    for (int f = 0; f < 2; f++) {
        if (failed[f] > 0 && attempts[1 - f] > 0 && failed[1 - f] == 0)
            return f == 1 ? _(", over IPv6 only") : _(", over IPv4 only");
    }
    return "";
}

static bool say_fails(struct buf *out, struct diff *diff, const struct finding *finding)
{
    struct sides others;
    if (!sides_read(diff, finding->endpoint, finding->where, &others))
        return false;
    bool ok = buf_text(out, _("fails from ")) && say_where(out, diff, finding) &&
              buf_printf(out, _(" %u/%u with "), finding->failed, finding->attempts) &&
              say_outcome(out, finding->outcome) && buf_text(out, lonely_family(diff, finding));
    if (finding->confirm_attempts > 0 && finding->confirm_failed == 0)
        ok = ok &&
             buf_printf(out, _(", retries pass %u/%u"), finding->confirm_attempts, finding->confirm_attempts);
    else if (finding->confirm_attempts > 0)
        ok =
            ok && buf_printf(out, _(", confirmed %u/%u"), finding->confirm_failed, finding->confirm_attempts);
    if (others.pass_count > 0)
        ok = ok && buf_text(out, _("; passes from ")) && say_names(out, diff, others.passes, false);
    if (others.fail_count > 0)
        ok = ok && buf_text(out, _("; fails also from ")) && say_names(out, diff, others.fails, false) &&
             buf_text(out, _(" with ")) && say_outcome(out, others.worst);
    return ok && say_counterparts(out, diff, finding);
}

static bool say_at_times(struct buf *out, struct diff *diff, const struct finding *finding)
{
    struct sides others;
    if (!sides_read(diff, finding->endpoint, finding->where, &others))
        return false;
    bool ok = buf_text(out, _("fails at times from "));
    unsigned said = 0;
    for (unsigned v = 0; ok && v < diff->matrix->vantage_count; v++) {
        const struct cell *cell = matrix_cell(diff->matrix, finding->endpoint, v);
        if (!finding->where[v])
            continue;
        if (said == SAY_MAX_NAMES && finding->where_count > SAY_MAX_NAMES + 1) {
            ok = buf_printf(out, _(" and %u more"), finding->where_count - said);
            break;
        }
        ok = buf_printf(out, "%s%s %u/%u (", said > 0 ? ", " : "", diff->matrix->vantages[v].name,
                        cell->failed, cell_valid(cell)) &&
             say_outcome(out, cell_worst(cell)->outcome) && buf_text(out, ")");
        said++;
    }
    if (others.pass_count > 0)
        ok = ok && buf_text(out, _("; passes from ")) && say_names(out, diff, others.passes, false);
    return ok;
}

static const char *aspect_words(enum finding_aspect aspect)
{
    switch (aspect) {
    case ASPECT_ISSUER:
        return _("certificate issuer");
    case ASPECT_KEY:
        return _("certificate key (same issuer)");
    case ASPECT_LEAF:
        return _("certificate (same key)");
    case ASPECT_VERSION:
        return _("TLS version");
    case ASPECT_CIPHER:
        return _("cipher");
    case ASPECT_GROUP:
        return _("key exchange group");
    case ASPECT_ALPN:
        return _("ALPN");
    case ASPECT_STATUS:
        return _("HTTP status");
    case ASPECT_LOCATION:
        return _("redirect");
    case ASPECT_POP:
        return _("point of presence");
    case ASPECT_ADDRESSES:
        return _("address");
    case ASPECT_NONE:
        break;
    }
    return "";
}

static bool say_value(struct buf *out, const struct finding *finding, const char *value)
{
    bool hash = finding->aspect == ASPECT_LEAF || finding->aspect == ASPECT_KEY;
    if (!hash || strlen(value) <= SAY_LEAF_CHARS)
        return buf_text(out, value);
    return buf_append(out, value, SAY_LEAF_CHARS) && buf_text(out, "…");
}

/* "certificate issuer differs: CN=Proxy CA from cn-1 (AS4837); CN=R11 from hk-1, us-1" */
static bool say_differs(struct buf *out, struct diff *diff, const struct finding *finding)
{
    bool *others = diff_set(diff);
    if (others == NULL)
        return false;
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        const char *text = look_text(diff, matrix_cell(diff->matrix, finding->endpoint, v), finding->aspect);
        if (text == NULL)
            return false;
        others[v] = diff->valid[v] && strcmp(text, finding->other_value) == 0;
    }
    return buf_printf(out, _("%s differs: "), aspect_words(finding->aspect)) &&
           say_value(out, finding, finding->value) && buf_text(out, _(" from ")) &&
           say_where(out, diff, finding) && buf_text(out, "; ") &&
           say_value(out, finding, finding->other_value) && buf_text(out, _(" from ")) &&
           say_names(out, diff, others, false);
}

/* "edge and origin differ in TLS version: TLSv1.3 against TLSv1.2, from all" */
static bool say_pair_differs(struct buf *out, const struct diff *diff, const struct finding *finding)
{
    return buf_printf(out, _("edge and origin differ in %s: "), aspect_words(finding->aspect)) &&
           say_value(out, finding, finding->value) && buf_text(out, _(" against ")) &&
           say_value(out, finding, finding->other_value) && buf_text(out, _(", from ")) &&
           say_where(out, diff, finding);
}

static bool say_what(struct buf *out, const struct finding *finding)
{
    if (finding->kind == FINDING_FAILS)
        return say_outcome(out, finding->outcome);
    if (finding->kind == FINDING_AT_TIMES)
        return buf_text(out, _("fails at times"));
    return buf_printf(out, _("%s differs"), aspect_words(finding->aspect));
}

static bool say_text(struct buf *out, struct diff *diff, const struct finding *finding)
{
    switch (finding->kind) {
    case FINDING_FAILS:
        return say_fails(out, diff, finding);
    case FINDING_AT_TIMES:
        return say_at_times(out, diff, finding);
    case FINDING_DIFFERS:
        return say_differs(out, diff, finding);
    case FINDING_PAIR_DIFFERS:
        return say_pair_differs(out, diff, finding);
    }
    return false;
}

static const char *keep(struct diff *diff, const struct buf *buf)
{
    return arena_text(&diff->arena, buf->data == NULL ? "" : (const char *)buf->data, buf->len);
}

bool diff_say(struct diff *diff, struct finding *finding, bool twin)
{
    struct buf buf;
    buf_init(&buf, SAY_MAX_BYTES);
    bool ok = say_where(&buf, diff, finding);
    finding->where_text = ok ? keep(diff, &buf) : NULL;
    buf_clear(&buf);
    ok = ok && say_what(&buf, finding);
    finding->what_text = ok ? keep(diff, &buf) : NULL;
    buf_clear(&buf);
    ok = ok && say_text(&buf, diff, finding);
    finding->text = ok ? keep(diff, &buf) : NULL;
    buf_done(&buf);
    return finding->where_text != NULL && finding->what_text != NULL && finding->text != NULL &&
           diff_caveats(diff, finding, twin);
}

bool diff_say_aside(struct diff *diff, struct set_aside *aside)
{
    const struct matrix_vantage *vantage = &diff->matrix->vantages[aside->vantage];
    struct buf buf;
    buf_init(&buf, SAY_MAX_BYTES);
    bool ok = buf_printf(&buf, _("%s fails %u of %u endpoints that pass elsewhere, mostly with "),
                         vantage->name, aside->failed, aside->tried) &&
              say_outcome(&buf, aside->outcome);
    aside->text = ok ? keep(diff, &buf) : NULL;
    buf_done(&buf);
    return aside->text != NULL;
}
