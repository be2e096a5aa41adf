#include "outlet/told.h"

#include "cli/i18n.h"
#include "report/label.h"
#include "store/db.h"
#include "words/cause.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct told told_read(const PGresult *result, int row)
{
    struct told told = {
        .id = db_int(result, row, "id"),
        .kind = (enum incident_kind)db_int(result, row, "kind"),
        .place = (enum place_kind)db_int(result, row, "place"),
        .key = db_text(result, row, "key"),
        .opened = db_text(result, row, "opened"),
        .closed = db_text(result, row, "closed"),
        .region = db_text(result, row, "region"),
        .asn = db_int(result, row, "asn"),
        .vantage = db_text(result, row, "vantage"),
        .edge = db_text(result, row, "edge"),
        .pop = db_text(result, row, "pop"),
        .address = db_text(result, row, "address"),
        .cause = db_text(result, row, "cause"),
        .confirmed = db_int(result, row, "confirmed") != 0,
        .confidence = db_real(result, row, "confidence"),
        .rounds_failed = db_int(result, row, "rounds_failed"),
        .rounds = db_int(result, row, "rounds"),
        .flapping = db_int(result, row, "flapping") != 0,
        .aspect = db_text(result, row, "aspect"),
        .value = db_text(result, row, "value"),
        .other_value = db_text(result, row, "other_value"),
        .not_after = db_text(result, row, "not_after"),
        .endpoints = db_int(result, row, "endpoints"),
        .sites = db_text(result, row, "sites"),
        .host = db_text(result, row, "host"),
        .port = db_int(result, row, "port"),
        .role = db_int(result, row, "role"),
        .endpoint_address = db_text(result, row, "endpoint_address"),
        .alert_labels = db_text(result, row, "alert_labels"),
    };
    if (!outcome_from_numbers((int)db_int(result, row, "class"), (int)db_int(result, row, "raw_kind"),
                              (int32_t)db_int(result, row, "raw"), &told.outcome))
        told.outcome = outcome_make(OUTCOME_OK, RAW_NONE, 0);
    return told;
}

bool told_what(const struct told *told, struct buf *out)
{
    char label[ENDPOINT_LABEL_BYTES];
    const struct matrix_endpoint endpoint = {.role = (enum endpoint_role)told->role,
                                             .host = told->host,
                                             .port = (uint16_t)told->port,
                                             .address = told->endpoint_address};
    if (told->kind == INCIDENT_VANTAGE_ASIDE)
        return buf_printf(out, _("vantage %s"), told->vantage);
    if (told->endpoints > 1)
        return buf_printf(out, _("%s, %lld endpoints"), told->sites, (long long)told->endpoints);
    return buf_printf(out, "%s%s%s", told->sites, told->sites[0] == '\0' ? "" : " ",
                      endpoint_label(&endpoint, label));
}

static bool told_where_edge(const struct told *told, struct buf *out)
{
    if (told->edge[0] != '\0')
        return buf_printf(out, _("at the edge %s%s%s"), told->edge, told->pop[0] == '\0' ? "" : " ",
                          told->pop);
    return buf_printf(out, _("at the address %s"), told->address);
}

bool told_where(const struct told *told, struct buf *out)
{
    switch (told->place) {
    case PLACE_NONE:
        return true;
    case PLACE_ENDPOINT:
        return buf_text(out, _("from everywhere"));
    case PLACE_REGION:
        return buf_printf(out, _("from region %s"), told->region);
    case PLACE_ASN:
        return buf_printf(out, _("from AS%lld"), (long long)told->asn);
    case PLACE_VANTAGE:
        return buf_printf(out, _("from vantage %s or on its path"), told->vantage);
    case PLACE_EDGE:
        return told_where_edge(told, out);
    case PLACE_DNS:
        return buf_printf(out, _("at the address %s, which DNS gives to some"), told->address);
    case PLACE_SOME:
        return buf_text(out, _("from some; where the fault is cannot be told yet"));
    }
    return true;
}

static bool summary_of_failure(const struct told *told, struct buf *out)
{
    char raw[128];
    const char *number = outcome_raw_text(told->outcome, raw, sizeof raw);
    bool has_ended = told->not_after[0] != '\0';
    return buf_printf(out, ": %s", _(outcome_class_text(told->outcome.class))) &&
           (!has_ended || buf_printf(out, _(" on %.10s"), told->not_after)) &&
           (has_ended || number[0] == '\0' || buf_printf(out, " (%s)", number)) && buf_text(out, _(", ")) &&
           told_where(told, out);
}

static bool summary_of_difference(const struct told *told, struct buf *out)
{
    return buf_printf(out, _(": %s differs, "), told->aspect) && told_where(told, out) &&
           buf_printf(out, _(" (%s; others: %s)"), told->value, told->other_value);
}

bool told_summary(const struct told *told, struct buf *out)
{
    bool written = told_what(told, out);
    switch (told->kind) {
    case INCIDENT_FAILS:
        written = written && summary_of_failure(told, out);
        break;
    case INCIDENT_DIFFERS:
        written = written && summary_of_difference(told, out);
        break;
    case INCIDENT_VANTAGE_ASIDE:
        written = written && buf_text(out, _(": set aside, because it fails where others pass"));
        break;
    case INCIDENT_EXPIRES:
        written = written && buf_printf(out, _(": its certificate expires on %s"), told->not_after);
        break;
    }
    return written && (!told->flapping || buf_text(out, _(" (comes and goes)")));
}

bool told_remedy(const struct told *told, struct buf *out)
{
    const struct conclusion none = {0};
    enum cause cause;
    if (cause_from_id(told->cause, &cause))
        return cause_text(out, T_(cause_row(cause)->remedy), &none);
    if (told->kind == INCIDENT_EXPIRES)
        return buf_text(out, _("renew the certificate, and see that the server sends the new one"));
    return buf_printf(out, _("see: parallax-collector report explain %lld"), (long long)told->id);
}

const char *told_severity(const struct told *told)
{
    bool wide = told->place == PLACE_ENDPOINT || told->place == PLACE_REGION || told->place == PLACE_ASN ||
                told->place == PLACE_EDGE;
    if (told->kind == INCIDENT_VANTAGE_ASIDE)
        return "info";
    return told->kind == INCIDENT_FAILS && wide ? "critical" : "warning";
}
