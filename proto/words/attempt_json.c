#include "words/attempt_json.h"

#include "words/buf.h"
#include "words/cdn_json.h"
#include "words/certificate_json.h"
#include "words/json_out.h"
#include "words/units.h"
#include "words/utf8.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

/* The schema of docs/JSON.md, part by part. */

json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    struct buf clean;
    buf_init(&clean, 0);
    if (utf8_clean(&clean, text, strlen(text)))
        value = json_stringn((const char *)clean.data, clean.len);
    buf_done(&clean);
    return value;
}

const char *json_text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static void out_address(struct json_out *out, const char *key, const struct address *address)
{
    char text[ADDRESS_TEXT_BYTES];
    if (address->length == 0)
        out_null(out, key);
    else
        out_text(out, key, address_text(address, text));
}

static void out_stamp(struct json_out *out, const char *key, int64_t at_us)
{
    if (at_us == EVIDENCE_NEVER)
        out_null(out, key);
    else
        out_integer(out, key, at_us);
}

static void out_time(struct json_out *out, const char *key, int64_t unix_us)
{
    char text[UNITS_TIME_BYTES];
    out_text(out, key, time_rfc3339(unix_us, 6, text));
}

/* {"number": 4865, "name": "TLS_AES_128_GCM_SHA256"}, null for 0. */
static void out_number_name(struct json_out *out, const char *key, int64_t number, const char *name)
{
    if (number == 0) {
        out_null(out, key);
        return;
    }
    out_object(out, key);
    out_integer(out, "number", number);
    out_text(out, "name", name);
    out_object_end(out);
}

static void out_outcome(struct json_out *out, struct outcome outcome)
{
    char text[96];
    out_object(out, "outcome");
    out_text(out, "class", outcome_class_id(outcome.class));
    out_text(out, "stage", outcome_stage_id(outcome.stage));
    out_text(out, "raw_kind", outcome_raw_kind_id(outcome.raw_kind));
    out_integer(out, "raw", outcome.raw);
    out_text(out, "raw_text", outcome_raw_text(outcome, text, sizeof text));
    out_object_end(out);
}

static void out_endpoint(struct json_out *out, const struct endpoint *endpoint)
{
    if (endpoint == NULL) {
        out_null(out, "endpoint");
        return;
    }
    out_object(out, "endpoint");
    out_text(out, "host", endpoint->host);
    out_integer(out, "port", endpoint->port);
    out_text(out, "sni", endpoint_sni(endpoint));
    out_address(out, "address", &endpoint->address);
    out_text(out, "role", endpoint_role_name((int)endpoint->role));
    out_object_end(out);
}

static void out_answer(struct json_out *out, const struct dns_answer *answer)
{
    out_object(out, NULL);
    if (answer->address.length > 0)
        out_address(out, "address", &answer->address);
    else
        out_text(out, "cname", answer->name);
    out_integer(out, "ttl_s", answer->ttl_s);
    out_object_end(out);
}

static void out_query(struct json_out *out, const struct dns_query *query)
{
    out_object(out, NULL);
    out_text(out, "type", query->type == 28 ? "AAAA" : "A");
    out_text(out, "resolver", query->resolver);
    if (query->rcode < 0)
        out_null(out, "rcode");
    else
        out_integer(out, "rcode", query->rcode);
    out_integer(out, "status", query->status);
    out_integer(out, "took_us", (int64_t)query->took_us);
    out_text(out, "how", evidence_ask_name((int)query->how));
    out_boolean(out, "from_hosts_file", query->from_hosts_file);
    out_integer(out, "extra_answers", query->extra_answers);
    out_array(out, "answers");
    for (size_t i = 0; i < query->answer_count; i++)
        out_answer(out, &query->answers[i]);
    out_array_end(out);
    out_object_end(out);
}

static void out_dns(struct json_out *out, const struct attempt *attempt)
{
    out_array(out, "dns");
    for (size_t i = 0; i < attempt->dns_count; i++)
        out_query(out, &attempt->dns[i]);
    out_array_end(out);
}

static void out_flow(struct json_out *out, const struct attempt *attempt)
{
    const struct evidence_flow *flow = &attempt->flow;
    if (flow->destination.length == 0 && flow->error == 0) {
        out_null(out, "flow");
        return;
    }
    out_object(out, "flow");
    out_address(out, "source", &flow->source);
    out_integer(out, "source_port", flow->source_port);
    out_address(out, "destination", &flow->destination);
    out_integer(out, "destination_port", flow->destination_port);
    const char *name = flow->error == 0 ? "" : strerrorname_np(flow->error);
    out_number_name(out, "error", flow->error, name == NULL ? "" : name);
    out_text(out, "error_call", evidence_call_name((int)flow->error_call));
    if (flow->icmp_type >= 0) {
        out_integer(out, "icmp_type", flow->icmp_type);
        out_integer(out, "icmp_code", flow->icmp_code);
        out_address(out, "icmp_offender", &flow->icmp_offender);
    }
    out_object_end(out);
}

static void out_tcp(struct json_out *out, const struct attempt *attempt)
{
    out_object(out, "tcp_info");
    for (int i = 0; i < EVIDENCE_MAX_TCP_INFO; i++) {
        const struct tcp_snapshot *snapshot = &attempt->tcp[i];
        if (!snapshot->taken)
            continue;
        out_object(out, evidence_moment_name(i));
        out_stamp(out, "at_us", snapshot->at_us);
#define X(type, field) out_integer(out, #field, (int64_t)snapshot->field);
        EVIDENCE_TCP_FIELDS(X)
#undef X
        out_object_end(out);
    }
    out_object_end(out);
}

static void out_record(struct json_out *out, const struct tls_record *record)
{
    out_object(out, NULL);
    out_text(out, "direction", record->received ? "in" : "out");
    out_integer(out, "content", record->content);
    out_integer(out, "type", record->type);
    if (record->content == 21) {
        out_integer(out, "level", record->level);
        out_text(out, "alert", tls_alert_name(record->type));
    }
    out_integer(out, "length", record->length);
    out_stamp(out, "at_us", record->at_us);
    out_object_end(out);
}

static void out_verify_error(struct json_out *out, const struct verify_error *error)
{
    out_object(out, NULL);
    out_integer(out, "code", error->code);
    out_text(out, "text", X509_verify_cert_error_string(error->code));
    out_integer(out, "depth", error->depth);
    out_object_end(out);
}

static void out_tls_lists(struct json_out *out, const struct evidence_tls *tls)
{
    char hex[20];
    out_array(out, "ca_names");
    for (size_t i = 0; i < tls->ca_name_count; i++)
        out_text(out, NULL, tls->ca_names[i]);
    out_array_end(out);
    out_array(out, "errors");
    for (size_t i = 0; i < tls->error_count; i++) {
        (void)snprintf(hex, sizeof hex, "%08llX", (unsigned long long)tls->errors[i]);
        out_text(out, NULL, hex);
    }
    out_array_end(out);
    out_array(out, "records");
    for (size_t i = 0; i < tls->record_count; i++)
        out_record(out, &tls->records[i]);
    out_array_end(out);
    out_integer(out, "records_dropped", tls->records_dropped);
    out_integer(out, "chain_dropped", tls->chain_dropped);
    out_array(out, "verify_errors");
    for (size_t i = 0; i < tls->verify_error_count; i++)
        out_verify_error(out, &tls->verify_errors[i]);
    out_array_end(out);
}

static void out_tls(struct json_out *out, const struct attempt *attempt)
{
    const struct evidence_tls *tls = &attempt->tls;
    if (attempt->clock.connected_us == EVIDENCE_NEVER) {
        out_null(out, "tls");
        return;
    }
    out_object(out, "tls");
    out_number_name(out, "version", tls->version, tls_version_name(tls->version));
    out_number_name(out, "cipher", tls->cipher, tls_cipher_name(tls->cipher));
    out_number_name(out, "group", tls->group, tls_group_name(tls->group));
    out_number_name(out, "signature", tls->signature, tls_signature_name(tls->signature));
    out_text(out, "alpn", tls->alpn);
    out_text(out, "sni", tls->sni);
    out_integer(out, "hello_length", tls->hello_length);
    out_boolean(out, "hello_retry", tls->hello_retry);
    out_boolean(out, "certificate_request", tls->certificate_request);
    out_boolean(out, "resumed", tls->resumed);
    out_boolean(out, "session_ticket", tls->session_ticket);
    out_integer(out, "ssl_error", tls->ssl_error);
    out_integer(out, "state", tls->state);
    out_boolean(out, "chain_out_of_order", tls->chain_out_of_order);
    out_boolean(out, "has_san", tls->has_san);
    certificates_json(out, tls);
    out_tls_lists(out, tls);
    out_object_end(out);
}

static void out_http(struct json_out *out, const struct attempt *attempt)
{
    const struct evidence_http *http = &attempt->http;
    if (attempt->clock.request_us == EVIDENCE_NEVER) {
        out_null(out, "http");
        return;
    }
    out_object(out, "http");
    if (http->status == 0)
        out_null(out, "status");
    else
        out_integer(out, "status", http->status);
    out_text(out, "reason", http->reason);
    out_array(out, "headers");
    for (size_t i = 0; i < http->header_count; i++) {
        out_object(out, NULL);
        out_text(out, "name", http->headers[i].name);
        out_text(out, "value", http->headers[i].value);
        out_object_end(out);
    }
    out_array_end(out);
    out_integer(out, "body_bytes", (int64_t)http->body_bytes);
    out_boolean(out, "malformed", http->malformed);
    out_object_end(out);
}

static void out_clock(struct json_out *out, const struct attempt *attempt)
{
    const struct evidence_clock *clock = &attempt->clock;
    out_object(out, "clock");
    out_time(out, "start", clock->start_us);
    out_integer(out, "start_error_us", (int64_t)clock->start_error_us);
    if (clock->slot_us == 0)
        out_null(out, "slot");
    else
        out_time(out, "slot", clock->slot_us);
    out_integer(out, "loop_lag_us", (int64_t)clock->loop_lag_us);
#define X(field, name) out_stamp(out, #field, clock->field);
    EVIDENCE_STAMPS(X)
#undef X
    out_object_end(out);
}

static void out_ending(struct json_out *out, const struct attempt *attempt)
{
    const struct evidence_end *end = &attempt->end;
    out_object(out, "ending");
    out_text(out, "how", evidence_ending_name((int)end->how));
    out_integer(out, "sent_bytes", (int64_t)end->sent_bytes);
    out_integer(out, "received_bytes", (int64_t)end->received_bytes);
    if (end->abuse == ABUSE_NONE)
        out_null(out, "abuse");
    else
        out_text(out, "abuse", evidence_abuse_name((int)end->abuse));
    out_hex(out, "first_bytes", end->first_bytes, end->first_byte_count);
    out_object_end(out);
}

static void out_local(struct json_out *out, const struct attempt *attempt)
{
    if (attempt->local == LOCAL_NONE) {
        out_null(out, "local");
        return;
    }
    out_object(out, "local");
    out_text(out, "kind", evidence_local_name((int)attempt->local));
    out_integer(out, "error", attempt->local_error);
    out_text(out, "detail", attempt->local_detail);
    out_object_end(out);
}

static void out_prober(struct json_out *out, const struct attempt *attempt)
{
    out_object(out, "prober");
    out_text(out, "agent_version", attempt->agent_version);
    out_text(out, "tls_library", attempt->tls_library);
    out_text(out, "hello_profile", attempt->hello_profile);
    if (attempt->engine == ENGINE_NONE)
        out_null(out, "engine");
    else
        out_text(out, "engine", evidence_engine_name((int)attempt->engine));
    out_boolean(out, "engine_again", attempt->engine_again);
    out_hex(out, "ca_bundle_sha256", attempt->ca_bundle_sha256, sizeof attempt->ca_bundle_sha256);
    out_object_end(out);
}

bool attempt_json_write(struct buf *buf, const struct attempt *attempt, const struct endpoint *endpoint,
                        struct outcome outcome)
{
    struct json_out out = {.buf = buf};
    size_t before = buf->len;
    out_object(&out, NULL);
    out_integer(&out, "schema", ATTEMPT_JSON_SCHEMA);
    out_endpoint(&out, endpoint);
    out_text(&out, "variant", variant_name((int)attempt->variant));
    out_text(&out, "role", attempt_role_name((int)attempt->role));
    out_text(&out, "depth", depth_name((int)attempt->depth));
    out_outcome(&out, outcome);
    out_clock(&out, attempt);
    out_dns(&out, attempt);
    out_flow(&out, attempt);
    out_tcp(&out, attempt);
    out_tls(&out, attempt);
    out_http(&out, attempt);
    out_tree(&out, "edge", cdn_json(attempt));
    out_ending(&out, attempt);
    out_local(&out, attempt);
    out_prober(&out, attempt);
    out_object_end(&out);
    if (out.failed)
        buf->len = before;
    return !out.failed;
}

json_t *attempt_json(const struct attempt *attempt, const struct endpoint *endpoint, struct outcome outcome)
{
    struct buf text;
    buf_init(&text, 0);
    bool written = attempt_json_write(&text, attempt, endpoint, outcome);
    json_t *value = written ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
    buf_done(&text);
    return value;
}
