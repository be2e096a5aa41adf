#include "words/attempt_from_json.h"

#include "words/units.h"

#include <string.h>

/* The schema of docs/JSON.md read back, part by part, in the order of attempt_json.c; the same bounds as on the wire. */

#define HOUR_US (INT64_C(3600) * US_PER_S)

static const char *version_name(int number)
{
    return tls_version_name((uint16_t)number);
}

static const char *cipher_name(int number)
{
    return tls_cipher_name((uint16_t)number);
}

static const char *group_name(int number)
{
    return tls_group_name((uint16_t)number);
}

static const char *signature_name(int number)
{
    return tls_signature_name((uint16_t)number);
}

static const char *alert_name(int number)
{
    return tls_alert_name((uint8_t)number);
}

/* --- clock, DNS, flow, TCP --- */

static void clock_in(struct json_part *attempt_part, struct evidence_clock *clock)
{
    struct json_part part = json_object_in(attempt_part, "clock");
    clock->start_us = json_read_time(&part, "start", 0);
    clock->start_error_us = json_read_u63(&part, "start_error_us");
    clock->slot_us = json_read_time(&part, "slot", 0);
    clock->loop_lag_us = json_read_u63(&part, "loop_lag_us");
#define X(field, name) clock->field = json_read_int(&part, #field, 0, HOUR_US, EVIDENCE_NEVER);
    EVIDENCE_STAMPS(X)
#undef X
    json_part_end(&part);
}

static void answers_in(struct json_part *part, struct dns_query *query)
{
    const json_t *array = json_read_array(part, "answers", EVIDENCE_MAX_ANSWERS, &query->answer_count);
    query->answers = json_room(part, "answers", query->answer_count, sizeof *query->answers);
    if (query->answers == NULL)
        query->answer_count = 0;
    for (size_t i = 0; i < query->answer_count; i++) {
        struct json_part item = json_item_in(part, "answers", array, i);
        query->answers[i].name = json_read_text(&item, "cname", EVIDENCE_TEXT_MAX);
        query->answers[i].address = json_read_address(&item, "address");
        query->answers[i].ttl_s = json_read_u32(&item, "ttl_s");
        json_part_end(&item);
    }
}

static const char *question_name(int aaaa)
{
    return aaaa != 0 ? "AAAA" : "A";
}

static void query_in(struct json_part *part, struct dns_query *query)
{
    query->type = json_read_choice(part, "type", question_name, 1, 0) != 0 ? 28 : 1;
    query->resolver = json_read_text(part, "resolver", EVIDENCE_TEXT_MAX);
    query->status = (int32_t)json_read_int(part, "status", INT32_MIN, INT32_MAX, 0);
    query->took_us = json_read_u63(part, "took_us");
    query->how = (enum evidence_ask)json_read_choice(part, "how", evidence_ask_name, ASK_LATE, ASK_PLAIN);
    query->from_hosts_file = json_read_bool(part, "from_hosts_file");
    query->extra_answers = json_read_u32(part, "extra_answers");
    answers_in(part, query);
    /* Where nobody says the code, answers came with "no error". */
    int64_t rcode = !json_has(part, "rcode") && query->answer_count > 0 ? 0 : -1;
    query->rcode = (int32_t)json_read_int(part, "rcode", -1, 65535, rcode);
}

static void dns_in(struct json_part *attempt_part, struct attempt *attempt)
{
    const json_t *array = json_read_array(attempt_part, "dns", EVIDENCE_MAX_DNS, &attempt->dns_count);
    for (size_t i = 0; i < attempt->dns_count; i++) {
        struct json_part item = json_item_in(attempt_part, "dns", array, i);
        query_in(&item, &attempt->dns[i]);
        json_part_end(&item);
    }
}

static const char *errno_name(int number)
{
    return strerrorname_np(number);
}

static void flow_in(struct json_part *attempt_part, struct evidence_flow *flow)
{
    struct json_part part = json_object_in(attempt_part, "flow");
    flow->source = json_read_address(&part, "source");
    flow->source_port = (uint16_t)json_read_int(&part, "source_port", 0, UINT16_MAX, 0);
    flow->destination = json_read_address(&part, "destination");
    flow->destination_port = (uint16_t)json_read_int(&part, "destination_port", 0, UINT16_MAX, 0);
    flow->error = json_read_number(&part, "error", errno_name, 4095);
    flow->error_call =
        (enum evidence_call)json_read_choice(&part, "error_call", evidence_call_name, CALL_RECV, CALL_NONE);
    flow->icmp_type = (int)json_read_int(&part, "icmp_type", 0, 255, -1);
    flow->icmp_code = (int)json_read_int(&part, "icmp_code", 0, 255, flow->icmp_type < 0 ? -1 : 0);
    flow->icmp_offender = json_read_address(&part, "icmp_offender");
    json_part_end(&part);
}

static void tcp_in(struct json_part *attempt_part, struct attempt *attempt)
{
    struct json_part part = json_object_in(attempt_part, "tcp_info");
    for (int i = 0; i < EVIDENCE_MAX_TCP_INFO; i++) {
        struct json_part row = json_object_in(&part, evidence_moment_name(i));
        struct tcp_snapshot *snapshot = &attempt->tcp[i];
        if (row.value == NULL)
            continue;
        snapshot->taken = true;
        snapshot->at_us = json_read_int(&row, "at_us", 0, HOUR_US, EVIDENCE_NEVER);
#define X(type, field)                                                                                       \
    snapshot->field = (type)json_read_int(&row, #field, 0, (type)-1 > UINT32_MAX ? INT64_MAX : UINT32_MAX, 0);
        EVIDENCE_TCP_FIELDS(X)
#undef X
        json_part_end(&row);
    }
    json_part_end(&part);
}

/* --- TLS --- */

static const char *direction_name(int received)
{
    return received != 0 ? "in" : "out";
}

static void record_in(struct json_part *part, struct tls_record *record)
{
    enum { ALERT = 21, ALERT_FATAL = 2 };
    record->received = json_read_choice(part, "direction", direction_name, 1, 1) != 0;
    record->content = (uint8_t)json_read_int(part, "content", 0, 255, json_has(part, "alert") ? ALERT : 22);
    if (json_has(part, "type"))
        (void)json_take(part, "alert"); /* only the number's name, "" when it has none */
    int named = record->content == ALERT && !json_has(part, "type")
                    ? json_read_number(part, "alert", alert_name, 255)
                    : 0;
    record->type = (uint8_t)json_read_int(part, "type", 0, 255, named);
    record->level = (uint8_t)json_read_int(part, "level", 0, 255, record->content == ALERT ? ALERT_FATAL : 0);
    record->length = json_read_u32(part, "length");
    record->at_us = json_read_int(part, "at_us", 0, HOUR_US, EVIDENCE_NEVER);
}

static void records_in(struct json_part *tls_part, struct evidence_tls *tls)
{
    const json_t *array = json_read_array(tls_part, "records", EVIDENCE_MAX_RECORDS, &tls->record_count);
    tls->records = json_room(tls_part, "records", tls->record_count, sizeof *tls->records);
    if (tls->records == NULL)
        tls->record_count = 0;
    for (size_t i = 0; i < tls->record_count; i++) {
        struct json_part item = json_item_in(tls_part, "records", array, i);
        record_in(&item, &tls->records[i]);
        json_part_end(&item);
    }
    tls->records_dropped = json_read_u32(tls_part, "records_dropped");
}

static void verify_in(struct json_part *tls_part, struct evidence_tls *tls)
{
    const json_t *array =
        json_read_array(tls_part, "verify_errors", EVIDENCE_MAX_VERIFY, &tls->verify_error_count);
    tls->verify_errors =
        json_room(tls_part, "verify_errors", tls->verify_error_count, sizeof *tls->verify_errors);
    if (tls->verify_errors == NULL)
        tls->verify_error_count = 0;
    for (size_t i = 0; i < tls->verify_error_count; i++) {
        struct json_part item = json_item_in(tls_part, "verify_errors", array, i);
        (void)json_take(&item, "text");
        tls->verify_errors[i] =
            (struct verify_error){.code = (int32_t)json_read_int(&item, "code", 1, INT32_MAX, 0),
                                  .depth = json_read_u32(&item, "depth")};
        if (tls->verify_errors[i].code == 0)
            json_wrong(&item, "code", "a number X509_V_ERR_*");
        json_part_end(&item);
    }
}

static void errors_in(struct json_part *tls_part, struct evidence_tls *tls)
{
    const char **texts = json_read_texts(tls_part, "errors", EVIDENCE_MAX_ERRORS, 16, &tls->error_count);
    tls->errors = json_room(tls_part, "errors", tls->error_count, sizeof *tls->errors);
    if (tls->errors == NULL)
        tls->error_count = 0;
    for (size_t i = 0; i < tls->error_count; i++) {
        char digits[17] = "0000000000000000";
        uint8_t bytes[8];
        size_t length = strlen(texts[i]);
        memcpy(digits + 16 - length, texts[i], length);
        if (!hex_parse(digits, bytes, sizeof bytes)) {
            json_wrong(tls_part, "errors", "texts of eight hex digits");
            return;
        }
        for (size_t k = 0; k < sizeof bytes; k++)
            tls->errors[i] = tls->errors[i] << 8 | bytes[k];
    }
}

static void tls_in(struct json_part *attempt_part, struct evidence_tls *tls)
{
    struct json_part part = json_object_in(attempt_part, "tls");
    tls->version = (uint16_t)json_read_number(&part, "version", version_name, UINT16_MAX);
    tls->cipher = (uint16_t)json_read_number(&part, "cipher", cipher_name, UINT16_MAX);
    tls->group = (uint16_t)json_read_number(&part, "group", group_name, UINT16_MAX);
    tls->signature = (uint16_t)json_read_number(&part, "signature", signature_name, UINT16_MAX);
    tls->alpn = json_read_text(&part, "alpn", 255);
    tls->sni = json_read_text(&part, "sni", EVIDENCE_TEXT_MAX);
    tls->hello_length = json_read_u32(&part, "hello_length");
    tls->hello_retry = json_read_bool(&part, "hello_retry");
    tls->certificate_request = json_read_bool(&part, "certificate_request");
    tls->resumed = json_read_bool(&part, "resumed");
    tls->session_ticket = json_read_bool(&part, "session_ticket");
    tls->ssl_error = (int32_t)json_read_int(&part, "ssl_error", INT32_MIN, INT32_MAX, 0);
    tls->state = (uint8_t)json_read_int(&part, "state", 0, UINT8_MAX, 0);
    tls->chain_out_of_order = json_read_bool(&part, "chain_out_of_order");
    tls->has_san = json_read_bool(&part, "has_san");
    tls->chain_dropped = json_read_u32(&part, "chain_dropped");
    tls->ca_names =
        json_read_texts(&part, "ca_names", EVIDENCE_MAX_CA_NAMES, EVIDENCE_TEXT_MAX, &tls->ca_name_count);
    certificates_from_json(&part, tls);
    errors_in(&part, tls);
    records_in(&part, tls);
    verify_in(&part, tls);
    json_part_end(&part);
}

/* --- HTTP, the end, the vantage --- */

static void http_in(struct json_part *attempt_part, struct evidence_http *http)
{
    struct json_part part = json_object_in(attempt_part, "http");
    http->status = (uint16_t)json_read_int(&part, "status", 0, 999, 0);
    http->reason = json_read_text(&part, "reason", EVIDENCE_TEXT_MAX);
    http->body_bytes = json_read_u63(&part, "body_bytes");
    http->malformed = json_read_bool(&part, "malformed");
    const json_t *array = json_read_array(&part, "headers", EVIDENCE_MAX_HEADERS, &http->header_count);
    http->headers = json_room(&part, "headers", http->header_count, sizeof *http->headers);
    if (http->headers == NULL)
        http->header_count = 0;
    for (size_t i = 0; i < http->header_count; i++) {
        struct json_part item = json_item_in(&part, "headers", array, i);
        http->headers[i].name = json_read_text(&item, "name", EVIDENCE_TEXT_MAX);
        http->headers[i].value = json_read_text(&item, "value", EVIDENCE_TEXT_MAX);
        json_part_end(&item);
    }
    json_part_end(&part);
}

static void end_in(struct json_part *attempt_part, struct evidence_end *end)
{
    struct json_part part = json_object_in(attempt_part, "ending");
    end->how =
        (enum evidence_ending)json_read_choice(&part, "how", evidence_ending_name, ENDING_ERROR, ENDING_NONE);
    end->sent_bytes = json_read_u63(&part, "sent_bytes");
    end->received_bytes = json_read_u63(&part, "received_bytes");
    end->abuse = (enum evidence_abuse)json_read_choice(&part, "abuse", evidence_abuse_name, ABUSE_MESSAGES,
                                                       ABUSE_NONE);
    end->first_byte_count = json_read_hex(&part, "first_bytes", end->first_bytes, sizeof end->first_bytes);
    json_part_end(&part);
}

static void vantage_in(struct json_part *attempt_part, struct attempt *attempt)
{
    struct json_part part = json_object_in(attempt_part, "local");
    attempt->local =
        (enum evidence_local)json_read_choice(&part, "kind", evidence_local_name, LOCAL_OTHER, LOCAL_NONE);
    attempt->local_error = (int32_t)json_read_int(&part, "error", INT32_MIN, INT32_MAX, 0);
    attempt->local_detail = json_read_text(&part, "detail", EVIDENCE_TEXT_MAX);
    json_part_end(&part);
    part = json_object_in(attempt_part, "prober");
    attempt->agent_version = json_read_text(&part, "agent_version", 64);
    attempt->tls_library = json_read_text(&part, "tls_library", 128);
    attempt->hello_profile = json_read_text(&part, "hello_profile", 64);
    attempt->engine = (enum evidence_engine)json_read_choice(&part, "engine", evidence_engine_name,
                                                             ENGINE_OWN, ENGINE_NONE);
    attempt->engine_again = json_read_bool(&part, "engine_again");
    size_t length =
        json_read_hex(&part, "ca_bundle_sha256", attempt->ca_bundle_sha256, sizeof attempt->ca_bundle_sha256);
    if (length != 0 && length != sizeof attempt->ca_bundle_sha256)
        json_wrong(&part, "ca_bundle_sha256", "64 hex digits");
    json_part_end(&part);
}

struct attempt *attempt_from_json(struct json_part *part)
{
    struct json_reader *reader = part->reader;
    struct arena *callers = reader->arena;
    struct attempt *attempt = attempt_new();
    if (attempt == NULL) {
        json_wrong(part, "", "memory for it");
        return NULL;
    }
    reader->arena = &attempt->arena;
    attempt->sequence = json_read_u63(part, "sequence");
    attempt->variant =
        (enum variant)json_read_choice(part, "variant", variant_name, VARIANT_OCSP, VARIANT_NORMAL);
    attempt->role =
        (enum attempt_role)json_read_choice(part, "role", attempt_role_name, ATTEMPT_LADDER, ATTEMPT_FIRST);
    attempt->depth = (enum depth)json_read_choice(part, "depth", depth_name, DEPTH_HELLO, DEPTH_FULL);
    clock_in(part, &attempt->clock);
    dns_in(part, attempt);
    flow_in(part, &attempt->flow);
    tcp_in(part, attempt);
    tls_in(part, &attempt->tls);
    http_in(part, &attempt->http);
    end_in(part, &attempt->end);
    vantage_in(part, attempt);
    attempt_imply(attempt, part);
    reader->arena = callers;
    if (!reader->failed)
        return attempt;
    attempt_free(attempt);
    return NULL;
}
