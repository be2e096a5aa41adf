#include "cli/i18n.h"
#include "cli/term.h"
#include "show/certificate.h"
#include "show/show.h"
#include "words/cdn.h"
#include "words/units.h"

#include <string.h>

/* What one attempt saw: one row a stage with what it took, and the certificate's rows. */

static void safe(struct buf *out, const char *text)
{
    (void)text_safe(out, text, strlen(text));
}

/* From one moment to another; when that never came, to the end. */
static int64_t took(const struct evidence_clock *clock, int64_t from_us, int64_t to_us)
{
    if (to_us == EVIDENCE_NEVER)
        to_us = clock->closed_us;
    return from_us == EVIDENCE_NEVER || to_us == EVIDENCE_NEVER ? -1 : to_us - from_us;
}

static const char *type_name(uint32_t type)
{
    return type == 1 ? "A" : type == 28 ? "AAAA" : "?";
}

static void append_answers(struct buf *out, const struct dns_query *query)
{
    char text[ADDRESS_TEXT_BYTES];
    for (size_t i = 0; i < query->answer_count; i++) {
        const struct dns_answer *answer = &query->answers[i];
        (void)buf_text(out, i == 0 ? "" : ", ");
        if (answer->address.length > 0) {
            (void)buf_printf(out, "%s (%s", address_text(&answer->address, text), type_name(query->type));
        } else {
            safe(out, answer->name);
            (void)buf_text(out, " (CNAME");
        }
        if (query->from_hosts_file)
            (void)buf_text(out, ")");
        else
            (void)buf_printf(out, ", ttl %u)", answer->ttl_s);
    }
}

static const char *ask_text(enum evidence_ask how)
{
    switch (how) {
    case ASK_PLAIN:
        return "";
    case ASK_NO_CHECK:
        return N_(", with DNSSEC checking disabled");
    case ASK_TCP:
        return N_(", over TCP");
    case ASK_LATE:
        return N_(", a second answer");
    }
    return "";
}

static void dns_row(struct rows *rows, const struct dns_query *query, bool first, struct buf *text)
{
    if (query->answer_count > 0)
        append_answers(text, query);
    else if (query->rcode < 0)
        (void)buf_printf(text, _("%s: no answer (resolver status %d)"), type_name(query->type),
                         query->status);
    else if (query->rcode == 0)
        (void)buf_printf(text, _("no %s"), type_name(query->type));
    else
        (void)buf_printf(text, _("%s: rcode %d"), type_name(query->type), query->rcode);
    if (query->from_hosts_file)
        (void)buf_printf(text, " %s", _("from /etc/hosts"));
    else
        (void)buf_printf(text, " %s %s%s", _("via"), query->resolver, T_(ask_text(query->how)));
    rows_add_timed(rows, first ? _("dns") : "", query->from_hosts_file ? -1 : (int64_t)query->took_us, text);
}

static void append_error(struct buf *out, const struct evidence_flow *flow)
{
    char offender[ADDRESS_TEXT_BYTES];
    if (flow->error != 0)
        (void)buf_printf(out, "%s: errno %d %s (%s)", evidence_call_name((int)flow->error_call), flow->error,
                         strerrorname_np(flow->error) == NULL ? "?" : strerrorname_np(flow->error),
                         strerror(flow->error));
    if (flow->icmp_type >= 0)
        (void)buf_printf(out, _(", ICMP type %d code %d from %s"), flow->icmp_type, flow->icmp_code,
                         address_text(&flow->icmp_offender, offender));
}

static void tcp_row(struct rows *rows, const struct attempt *attempt, struct buf *text)
{
    const struct evidence_clock *clock = &attempt->clock;
    const struct tcp_snapshot *start = &attempt->tcp[MOMENT_CONNECTED], *end = &attempt->tcp[MOMENT_END];
    char span[UNITS_SPAN_BYTES];
    if (clock->connect_us == EVIDENCE_NEVER)
        return;
    if (clock->connected_us == EVIDENCE_NEVER) {
        append_error(text, &attempt->flow);
        if (text->len == 0)
            (void)buf_text(text, _("no answer"));
        if (end->taken && end->total_retrans > 0)
            (void)buf_printf(text, _(", SYN sent %u times"), end->total_retrans + 1);
    } else if (start->taken) {
        (void)buf_printf(text, _("rtt %s"), span_text((int64_t)start->rtt_us, span));
        if (end->total_retrans == 0)
            (void)buf_printf(text, "%s%s", _(", "), _("no retransmits"));
        else
            (void)buf_printf(text, ngettext(", %u retransmit", ", %u retransmits", end->total_retrans),
                             end->total_retrans);
    }
    rows_add_timed(rows, _("tcp"), took(clock, clock->connect_us, clock->connected_us), text);
}

static void append_word(struct buf *out, const char *name, unsigned number)
{
    if (number == 0)
        return;
    (void)buf_text(out, out->len > 0 ? "  " : "");
    if (name[0] != '\0')
        (void)buf_text(out, name);
    else
        (void)buf_printf(out, "0x%04x", number);
}

static void append_alerts(struct buf *out, const struct attempt *attempt)
{
    uint8_t level, description;
    for (int received = 1; received >= 0; received--) {
        if (!attempt_alert(attempt, received, &level, &description) || description == 0)
            continue;
        (void)buf_printf(out, "%s%s %u %s", out->len > 0 ? "  " : "",
                         received ? _("alert received") : _("alert sent"), description,
                         tls_alert_name(description));
    }
}

static void tls_row(struct rows *rows, const struct attempt *attempt, struct buf *text)
{
    const struct evidence_tls *tls = &attempt->tls;
    const struct evidence_clock *clock = &attempt->clock;
    if (clock->connected_us == EVIDENCE_NEVER)
        return;
    append_word(text, tls_version_name(tls->version), tls->version);
    append_word(text, tls_cipher_name(tls->cipher), tls->cipher);
    append_word(text, tls_group_name(tls->group), tls->group);
    append_word(text, tls_signature_name(tls->signature), tls->signature);
    if (tls->alpn[0] != '\0') {
        (void)buf_text(text, "  alpn ");
        safe(text, tls->alpn);
    }
    if (tls->hello_retry)
        (void)buf_printf(text, "  %s", _("after HelloRetryRequest"));
    append_alerts(text, attempt);
    if (clock->handshake_us == EVIDENCE_NEVER && text->len == 0)
        (void)buf_text(text, clock->first_byte_us == EVIDENCE_NEVER
                                 ? _("no byte came back after the ClientHello")
                                 : _("no ServerHello"));
    rows_add_timed(rows, _("tls"), took(clock, clock->connected_us, clock->handshake_us), text);
}

static void first_bytes_row(struct rows *rows, const struct attempt *attempt, struct buf *text)
{
    const struct evidence_end *end = &attempt->end;
    if (attempt->clock.handshake_us != EVIDENCE_NEVER || attempt->tls.version != 0 ||
        end->first_byte_count == 0)
        return;
    (void)buf_text(text, _("first bytes: "));
    (void)text_safe(text, (const char *)end->first_bytes, end->first_byte_count);
    rows_add(rows, "", text);
}

static void client_certificate_rows(struct rows *rows, const struct attempt *attempt, struct buf *text)
{
    const struct evidence_tls *tls = &attempt->tls;
    if (!tls->certificate_request)
        return;
    (void)buf_text(text, _("a client certificate is asked for"));
    for (size_t i = 0; i < tls->ca_name_count; i++) {
        (void)buf_text(text, i == 0 ? _(" from ") : "; ");
        safe(text, tls->ca_names[i]);
    }
    rows_add(rows, "", text);
}

static void http_row(struct rows *rows, const struct attempt *attempt, struct buf *text)
{
    const struct evidence_clock *clock = &attempt->clock;
    const struct evidence_http *http = &attempt->http;
    if (clock->request_us == EVIDENCE_NEVER)
        return;
    if (http->malformed)
        (void)buf_text(text, _("the answer is not HTTP"));
    else if (http->status == 0)
        (void)buf_text(text, _("no answer"));
    else
        (void)buf_printf(text, "%u%s", http->status, http->reason[0] == '\0' ? "" : " ");
    safe(text, http->status == 0 ? "" : http->reason);
    const char *server = attempt_header(attempt, "server");
    if (server != NULL) {
        (void)buf_text(text, "  server: ");
        safe(text, server);
    }
    rows_add_timed(rows, _("http"), took(clock, clock->request_us, clock->first_data_us), text);
}

/* Which CDN answered; what gave it away is in the JSON. */
static void edge_row(struct rows *rows, const struct attempt *attempt, struct buf *text)
{
    struct cdn_match match;
    if (!cdn_identify(attempt, 0, &match))
        return;
    safe(text, match.name);
    if (match.pop[0] != '\0')
        (void)buf_printf(text, _(", PoP %s"), match.pop);
    rows_add(rows, _("edge"), text);
}

static const char *ending_text(enum evidence_ending how)
{
    switch (how) {
    case ENDING_NONE:
        return N_("never connected");
    case ENDING_BY_US:
        return N_("by us");
    case ENDING_CLOSE_NOTIFY:
        return N_("by peer, close_notify");
    case ENDING_FIN:
        return N_("by peer, FIN without close_notify");
    case ENDING_RESET:
        return N_("by peer, reset");
    case ENDING_TIMEOUT:
        return N_("by us, time was up");
    case ENDING_ALERT:
        return N_("by peer, alert");
    case ENDING_ERROR:
        return N_("by us, what came made no sense");
    }
    return "?";
}

static void close_row(struct rows *rows, const struct attempt *attempt, struct buf *text)
{
    if (attempt->clock.connected_us == EVIDENCE_NEVER)
        return;
    (void)buf_printf(text, "%s", _(ending_text(attempt->end.how)));
    if (attempt->flow.error != 0) {
        (void)buf_text(text, _(", "));
        append_error(text, &attempt->flow);
    }
    rows_add(rows, _("close"), text);
}

void show_stages(FILE *out, const struct attempt *attempt)
{
    struct rows *rows = rows_new(true);
    struct buf text;
    if (rows == NULL)
        return;
    buf_init(&text, 0);
    for (size_t i = 0; i < attempt->dns_count; i++)
        dns_row(rows, &attempt->dns[i], i == 0, &text);
    tcp_row(rows, attempt, &text);
    tls_row(rows, attempt, &text);
    first_bytes_row(rows, attempt, &text);
    client_certificate_rows(rows, attempt, &text);
    http_row(rows, attempt, &text);
    edge_row(rows, attempt, &text);
    close_row(rows, attempt, &text);
    if (!rows_are_empty(rows))
        (void)fputc('\n', out);
    rows_print(rows, out);
    buf_done(&text);
    rows_free(rows);
}
