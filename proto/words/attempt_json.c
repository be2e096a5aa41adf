#include "words/attempt_json.h"

#include "words/buf.h"
#include "words/cdn_json.h"
#include "words/certificate_json.h"
#include "words/json_writer.h"
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

static json_t *json_hex(const uint8_t *bytes, size_t length)
{
    char text[2 * EVIDENCE_FIRST_BYTES + 1];
    return length > EVIDENCE_FIRST_BYTES ? NULL : json_string(hex_text(bytes, length, text));
}

static json_t *json_address(const struct address *address)
{
    char text[ADDRESS_TEXT_BYTES];
    return address->length == 0 ? json_null() : json_string(address_text(address, text));
}

static json_t *json_stamp(int64_t at_us)
{
    return at_us == EVIDENCE_NEVER ? json_null() : json_integer(at_us);
}

static json_t *json_time(int64_t unix_us)
{
    char text[UNITS_TIME_BYTES];
    return json_string(time_rfc3339(unix_us, 6, text));
}

/* {"number": 4865, "name": "TLS_AES_128_GCM_SHA256"}, null for 0. */
static json_t *json_number_name(struct writer *writer, long long number, const char *name)
{
    if (number == 0)
        return json_null();
    json_t *value = json_object();
    set(writer, value, "number", json_integer(number));
    set(writer, value, "name", json_string(name));
    return value;
}

static json_t *outcome_json(struct writer *writer, struct outcome outcome)
{
    char text[96];
    json_t *value = json_object();
    set(writer, value, "class", json_string(outcome_class_id(outcome.class)));
    set(writer, value, "stage", json_string(outcome_stage_id(outcome.stage)));
    set(writer, value, "raw_kind", json_string(outcome_raw_kind_id(outcome.raw_kind)));
    set(writer, value, "raw", json_integer(outcome.raw));
    set(writer, value, "raw_text", json_text(outcome_raw_text(outcome, text, sizeof text)));
    return value;
}

static json_t *endpoint_json(struct writer *writer, const struct endpoint *endpoint)
{
    if (endpoint == NULL)
        return json_null();
    json_t *value = json_object();
    set(writer, value, "host", json_text(endpoint->host));
    set(writer, value, "port", json_integer(endpoint->port));
    set(writer, value, "sni", json_text(endpoint_sni(endpoint)));
    set(writer, value, "address", json_address(&endpoint->address));
    set(writer, value, "role", json_string(endpoint_role_name((int)endpoint->role)));
    return value;
}

static json_t *dns_json(struct writer *writer, const struct attempt *attempt)
{
    json_t *list = json_array();
    for (size_t i = 0; i < attempt->dns_count; i++) {
        const struct dns_query *query = &attempt->dns[i];
        json_t *value = json_object(), *answers = json_array();
        set(writer, value, "type", json_string(query->type == 28 ? "AAAA" : "A"));
        set(writer, value, "resolver", json_text(query->resolver));
        set(writer, value, "rcode", query->rcode < 0 ? json_null() : json_integer(query->rcode));
        set(writer, value, "status", json_integer(query->status));
        set(writer, value, "took_us", json_integer((json_int_t)query->took_us));
        set(writer, value, "how", json_string(evidence_ask_name((int)query->how)));
        set(writer, value, "from_hosts_file", json_boolean(query->from_hosts_file));
        set(writer, value, "extra_answers", json_integer(query->extra_answers));
        for (size_t k = 0; k < query->answer_count; k++) {
            const struct dns_answer *answer = &query->answers[k];
            json_t *row = json_object();
            if (answer->address.length > 0)
                set(writer, row, "address", json_address(&answer->address));
            else
                set(writer, row, "cname", json_text(answer->name));
            set(writer, row, "ttl_s", json_integer(answer->ttl_s));
            add(writer, answers, row);
        }
        set(writer, value, "answers", answers);
        add(writer, list, value);
    }
    return list;
}

static json_t *flow_json(struct writer *writer, const struct attempt *attempt)
{
    const struct evidence_flow *flow = &attempt->flow;
    if (flow->destination.length == 0 && flow->error == 0)
        return json_null();
    json_t *value = json_object();
    set(writer, value, "source", json_address(&flow->source));
    set(writer, value, "source_port", json_integer(flow->source_port));
    set(writer, value, "destination", json_address(&flow->destination));
    set(writer, value, "destination_port", json_integer(flow->destination_port));
    const char *name = flow->error == 0 ? "" : strerrorname_np(flow->error);
    set(writer, value, "error", json_number_name(writer, flow->error, name == NULL ? "" : name));
    set(writer, value, "error_call", json_string(evidence_call_name((int)flow->error_call)));
    if (flow->icmp_type >= 0) {
        set(writer, value, "icmp_type", json_integer(flow->icmp_type));
        set(writer, value, "icmp_code", json_integer(flow->icmp_code));
        set(writer, value, "icmp_offender", json_address(&flow->icmp_offender));
    }
    return value;
}

static json_t *tcp_json(struct writer *writer, const struct attempt *attempt)
{
    json_t *value = json_object();
    for (int i = 0; i < EVIDENCE_MAX_TCP_INFO; i++) {
        const struct tcp_snapshot *snapshot = &attempt->tcp[i];
        if (!snapshot->taken)
            continue;
        json_t *row = json_object();
        set(writer, row, "at_us", json_stamp(snapshot->at_us));
#define X(type, field) set(writer, row, #field, json_integer((json_int_t)snapshot->field));
        EVIDENCE_TCP_FIELDS(X)
#undef X
        set(writer, value, evidence_moment_name(i), row);
    }
    return value;
}

static json_t *record_json(struct writer *writer, const struct tls_record *record)
{
    json_t *value = json_object();
    set(writer, value, "direction", json_string(record->received ? "in" : "out"));
    set(writer, value, "content", json_integer(record->content));
    set(writer, value, "type", json_integer(record->type));
    if (record->content == 21) {
        set(writer, value, "level", json_integer(record->level));
        set(writer, value, "alert", json_string(tls_alert_name(record->type)));
    }
    set(writer, value, "length", json_integer(record->length));
    set(writer, value, "at_us", json_stamp(record->at_us));
    return value;
}

static json_t *verify_json(struct writer *writer, const struct evidence_tls *tls)
{
    json_t *list = json_array();
    for (size_t i = 0; i < tls->verify_error_count; i++) {
        json_t *value = json_object();
        set(writer, value, "code", json_integer(tls->verify_errors[i].code));
        set(writer, value, "text", json_text(X509_verify_cert_error_string(tls->verify_errors[i].code)));
        set(writer, value, "depth", json_integer(tls->verify_errors[i].depth));
        add(writer, list, value);
    }
    return list;
}

static void tls_lists_json(struct writer *writer, json_t *value, const struct evidence_tls *tls)
{
    json_t *names = json_array(), *errors = json_array(), *records = json_array();
    char hex[20];
    for (size_t i = 0; i < tls->ca_name_count; i++)
        add(writer, names, json_text(tls->ca_names[i]));
    for (size_t i = 0; i < tls->error_count; i++) {
        (void)snprintf(hex, sizeof hex, "%08llX", (unsigned long long)tls->errors[i]);
        add(writer, errors, json_string(hex));
    }
    for (size_t i = 0; i < tls->record_count; i++)
        add(writer, records, record_json(writer, &tls->records[i]));
    set(writer, value, "ca_names", names);
    set(writer, value, "errors", errors);
    set(writer, value, "records", records);
    set(writer, value, "records_dropped", json_integer(tls->records_dropped));
    set(writer, value, "chain_dropped", json_integer(tls->chain_dropped));
    set(writer, value, "verify_errors", verify_json(writer, tls));
}

static json_t *tls_json(struct writer *writer, const struct attempt *attempt)
{
    const struct evidence_tls *tls = &attempt->tls;
    if (attempt->clock.connected_us == EVIDENCE_NEVER)
        return json_null();
    json_t *value = json_object();
    set(writer, value, "version", json_number_name(writer, tls->version, tls_version_name(tls->version)));
    set(writer, value, "cipher", json_number_name(writer, tls->cipher, tls_cipher_name(tls->cipher)));
    set(writer, value, "group", json_number_name(writer, tls->group, tls_group_name(tls->group)));
    set(writer, value, "signature",
        json_number_name(writer, tls->signature, tls_signature_name(tls->signature)));
    set(writer, value, "alpn", json_text(tls->alpn));
    set(writer, value, "sni", json_text(tls->sni));
    set(writer, value, "hello_length", json_integer(tls->hello_length));
    set(writer, value, "hello_retry", json_boolean(tls->hello_retry));
    set(writer, value, "certificate_request", json_boolean(tls->certificate_request));
    set(writer, value, "resumed", json_boolean(tls->resumed));
    set(writer, value, "session_ticket", json_boolean(tls->session_ticket));
    set(writer, value, "ssl_error", json_integer(tls->ssl_error));
    set(writer, value, "state", json_integer(tls->state));
    set(writer, value, "chain_out_of_order", json_boolean(tls->chain_out_of_order));
    set(writer, value, "has_san", json_boolean(tls->has_san));
    writer->failed |= !certificates_json(value, tls);
    tls_lists_json(writer, value, tls);
    return value;
}

static json_t *http_json(struct writer *writer, const struct attempt *attempt)
{
    const struct evidence_http *http = &attempt->http;
    if (attempt->clock.request_us == EVIDENCE_NEVER)
        return json_null();
    json_t *value = json_object(), *headers = json_array();
    set(writer, value, "status", http->status == 0 ? json_null() : json_integer(http->status));
    set(writer, value, "reason", json_text(http->reason));
    for (size_t i = 0; i < http->header_count; i++) {
        json_t *row = json_object();
        set(writer, row, "name", json_text(http->headers[i].name));
        set(writer, row, "value", json_text(http->headers[i].value));
        add(writer, headers, row);
    }
    set(writer, value, "headers", headers);
    set(writer, value, "body_bytes", json_integer((json_int_t)http->body_bytes));
    set(writer, value, "malformed", json_boolean(http->malformed));
    return value;
}

static json_t *clock_json(struct writer *writer, const struct attempt *attempt)
{
    const struct evidence_clock *clock = &attempt->clock;
    json_t *value = json_object();
    set(writer, value, "start", json_time(clock->start_us));
    set(writer, value, "start_error_us", json_integer((json_int_t)clock->start_error_us));
    set(writer, value, "slot", clock->slot_us == 0 ? json_null() : json_time(clock->slot_us));
    set(writer, value, "loop_lag_us", json_integer((json_int_t)clock->loop_lag_us));
#define X(field, name) set(writer, value, #field, json_stamp(clock->field));
    EVIDENCE_STAMPS(X)
#undef X
    return value;
}

static json_t *end_json(struct writer *writer, const struct attempt *attempt)
{
    const struct evidence_end *end = &attempt->end;
    json_t *value = json_object();
    set(writer, value, "how", json_string(evidence_ending_name((int)end->how)));
    set(writer, value, "sent_bytes", json_integer((json_int_t)end->sent_bytes));
    set(writer, value, "received_bytes", json_integer((json_int_t)end->received_bytes));
    set(writer, value, "abuse",
        end->abuse == ABUSE_NONE ? json_null() : json_string(evidence_abuse_name((int)end->abuse)));
    set(writer, value, "first_bytes", json_hex(end->first_bytes, end->first_byte_count));
    return value;
}

static json_t *prober_json(struct writer *writer, const struct attempt *attempt)
{
    json_t *value = json_object();
    set(writer, value, "agent_version", json_text(attempt->agent_version));
    set(writer, value, "tls_library", json_text(attempt->tls_library));
    set(writer, value, "hello_profile", json_text(attempt->hello_profile));
    set(writer, value, "engine",
        attempt->engine == ENGINE_NONE ? json_null()
                                       : json_string(evidence_engine_name((int)attempt->engine)));
    set(writer, value, "engine_again", json_boolean(attempt->engine_again));
    set(writer, value, "ca_bundle_sha256",
        json_hex(attempt->ca_bundle_sha256, sizeof attempt->ca_bundle_sha256));
    return value;
}

static json_t *local_json(struct writer *writer, const struct attempt *attempt)
{
    if (attempt->local == LOCAL_NONE)
        return json_null();
    json_t *value = json_object();
    set(writer, value, "kind", json_string(evidence_local_name((int)attempt->local)));
    set(writer, value, "error", json_integer(attempt->local_error));
    set(writer, value, "detail", json_text(attempt->local_detail));
    return value;
}

json_t *attempt_json(const struct attempt *attempt, const struct endpoint *endpoint, struct outcome outcome)
{
    struct writer writer = {0};
    json_t *value = json_object();
    set(&writer, value, "schema", json_integer(ATTEMPT_JSON_SCHEMA));
    set(&writer, value, "endpoint", endpoint_json(&writer, endpoint));
    set(&writer, value, "variant", json_string(variant_name((int)attempt->variant)));
    set(&writer, value, "role", json_string(attempt_role_name((int)attempt->role)));
    set(&writer, value, "depth", json_string(depth_name((int)attempt->depth)));
    set(&writer, value, "outcome", outcome_json(&writer, outcome));
    set(&writer, value, "clock", clock_json(&writer, attempt));
    set(&writer, value, "dns", dns_json(&writer, attempt));
    set(&writer, value, "flow", flow_json(&writer, attempt));
    set(&writer, value, "tcp_info", tcp_json(&writer, attempt));
    set(&writer, value, "tls", tls_json(&writer, attempt));
    set(&writer, value, "http", http_json(&writer, attempt));
    set(&writer, value, "edge", cdn_json(attempt));
    set(&writer, value, "ending", end_json(&writer, attempt));
    set(&writer, value, "local", local_json(&writer, attempt));
    set(&writer, value, "prober", prober_json(&writer, attempt));
    return finish(&writer, value);
}
