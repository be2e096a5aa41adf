#include "words/evidence_pb.h"

#include "words/certificate_pb.h"
#include "words/reading.h"

#include <string.h>

/* Theirs to ours. Each step copies one part and names the rule that it found broken. */

const char *text_from_pb(const char *text, size_t max, struct arena *arena)
{
    size_t length = strlen(text);
    return length > max ? NULL : arena_text(arena, text, length);
}

static int64_t stamp_in(uint64_t value)
{
    return value == 0 || value > INT64_MAX ? EVIDENCE_NEVER : (int64_t)(value - 1);
}

static void address_in(struct reading *reading, ProtobufCBinaryData bytes, struct address *ret_address)
{
    if (!address_from_bytes(bytes.data, bytes.len, ret_address))
        reading->why = "an address is neither 4 nor 16 bytes";
}

/* Takes count items of a size, or breaks with why when there are more than max. */
static void *items_in(struct reading *reading, size_t count, size_t max, size_t size, const char *why)
{
    void *items = count > max ? NULL : arena_array(reading->arena, count, size);
    if (items == NULL)
        reading->why = why;
    return items;
}

static bool prober_in(struct reading *reading, struct attempt *attempt, const Parallax__Prober *pb)
{
    if (pb == NULL)
        return true;
    attempt->agent_version = text_in(reading, pb->agent_version, 64);
    attempt->tls_library = text_in(reading, pb->tls_library, 128);
    attempt->hello_profile = text_in(reading, pb->hello_profile, 64);
    if (pb->engine > ENGINE_OWN)
        return broken(reading, "an engine that is none of ours");
    attempt->engine = (enum evidence_engine)pb->engine;
    attempt->engine_again = pb->engine_again;
    if (pb->ca_bundle_sha256.len == sizeof attempt->ca_bundle_sha256)
        memcpy(attempt->ca_bundle_sha256, pb->ca_bundle_sha256.data, sizeof attempt->ca_bundle_sha256);
    else if (pb->ca_bundle_sha256.len != 0)
        return broken(reading, "the CA bundle hash is not 32 bytes");
    return reading->why == NULL;
}

static bool clock_in(struct reading *reading, struct attempt *attempt, const Parallax__Clock *pb)
{
    struct evidence_clock *clock = &attempt->clock;
    if (pb == NULL)
        return broken(reading, "an attempt without a clock");
    clock->start_us = pb->start_us;
    clock->start_error_us = pb->start_error_us;
    clock->slot_us = pb->slot_us;
    clock->loop_lag_us = pb->loop_lag_us;
    const int64_t longest_us = INT64_C(3600) * 1000000;
#define X(field, name)                                                                                       \
    clock->field = stamp_in(pb->field);                                                                      \
    if (clock->field > longest_us)                                                                           \
        return broken(reading, "a stamp is more than an hour after the start");
    EVIDENCE_STAMPS(X)
#undef X
    return true;
}

static bool query_in(struct reading *reading, const Parallax__DnsQuery *pb, struct dns_query *query)
{
    if (pb->how > ASK_LATE)
        return broken(reading, "an unknown way to ask the DNS");
    query->how = (enum evidence_ask)pb->how;
    query->type = pb->type;
    query->resolver = text_in(reading, pb->resolver, EVIDENCE_TEXT_MAX);
    query->rcode = pb->rcode;
    query->status = pb->status;
    query->took_us = pb->took_us;
    query->extra_answers = pb->extra_answers;
    query->from_hosts_file = pb->from_hosts_file;
    query->answers = items_in(reading, pb->n_answers, EVIDENCE_MAX_ANSWERS, sizeof *query->answers,
                              "too many DNS answers");
    for (size_t i = 0; query->answers != NULL && i < pb->n_answers; i++) {
        struct dns_answer *answer = &query->answers[query->answer_count++];
        answer->name = text_in(reading, pb->answers[i]->name, EVIDENCE_TEXT_MAX);
        address_in(reading, pb->answers[i]->address, &answer->address);
        answer->ttl_s = pb->answers[i]->ttl_s;
    }
    return reading->why == NULL;
}

static bool dns_in(struct reading *reading, struct attempt *attempt, const Parallax__Attempt *pb)
{
    if (pb->n_dns > EVIDENCE_MAX_DNS)
        return broken(reading, "too many DNS queries");
    for (size_t i = 0; i < pb->n_dns; i++) {
        if (!query_in(reading, pb->dns[i], &attempt->dns[attempt->dns_count++]))
            return false;
    }
    return true;
}

static bool flow_in(struct reading *reading, struct attempt *attempt, const Parallax__Flow *pb)
{
    struct evidence_flow *flow = &attempt->flow;
    if (pb == NULL)
        return true;
    if (pb->source_port > 65535 || pb->destination_port > 65535)
        return broken(reading, "a port is above 65535");
    if (pb->error_call > CALL_RECV || pb->icmp_type > 256 || pb->icmp_code > 256)
        return broken(reading, "a number of the flow is out of range");
    address_in(reading, pb->source, &flow->source);
    address_in(reading, pb->destination, &flow->destination);
    address_in(reading, pb->icmp_offender, &flow->icmp_offender);
    flow->source_port = (uint16_t)pb->source_port;
    flow->destination_port = (uint16_t)pb->destination_port;
    flow->error = pb->error;
    flow->error_call = (enum evidence_call)pb->error_call;
    flow->icmp_type = (int)pb->icmp_type - 1;
    flow->icmp_code = (int)pb->icmp_code - 1;
    return reading->why == NULL;
}

static bool tcp_in(struct reading *reading, struct attempt *attempt, const Parallax__Attempt *pb)
{
    if (pb->n_tcp > EVIDENCE_MAX_TCP_INFO)
        return broken(reading, "too many TCP_INFO snapshots");
    for (size_t i = 0; i < pb->n_tcp; i++) {
        const Parallax__TcpInfo *info = pb->tcp[i];
        if (info->moment >= EVIDENCE_MAX_TCP_INFO)
            return broken(reading, "an unknown moment of TCP_INFO");
        struct tcp_snapshot *snapshot = &attempt->tcp[info->moment];
        snapshot->taken = true;
        snapshot->at_us = stamp_in(info->at_us);
#define X(type, field) snapshot->field = info->field;
        EVIDENCE_TCP_FIELDS(X)
#undef X
    }
    return true;
}

static bool records_in(struct reading *reading, const Parallax__Tls *pb, struct evidence_tls *tls)
{
    tls->records =
        items_in(reading, pb->n_records, EVIDENCE_MAX_RECORDS, sizeof *tls->records, "too many TLS records");
    if (tls->records == NULL)
        return false;
    for (size_t i = 0; i < pb->n_records; i++) {
        const Parallax__TlsRecord *in = pb->records[i];
        if (in->content > 255 || in->type > 255 || in->level > 255)
            return broken(reading, "a TLS record's number is above 255");
        tls->records[tls->record_count++] = (struct tls_record){
            .received = in->received,
            .content = (uint8_t)in->content,
            .type = (uint8_t)in->type,
            .level = (uint8_t)in->level,
            .length = in->length,
            .at_us = stamp_in(in->at_us),
        };
    }
    return true;
}

static bool verify_in(struct reading *reading, const Parallax__Tls *pb, struct evidence_tls *tls)
{
    tls->verify_errors = items_in(reading, pb->n_verify_errors, EVIDENCE_MAX_VERIFY,
                                  sizeof *tls->verify_errors, "too many verify errors");
    for (size_t i = 0; tls->verify_errors != NULL && i < pb->n_verify_errors; i++) {
        tls->verify_errors[tls->verify_error_count++] =
            (struct verify_error){.code = pb->verify_errors[i]->code, .depth = pb->verify_errors[i]->depth};
    }
    return reading->why == NULL;
}

static bool tls_scalars_in(struct reading *reading, const Parallax__Tls *pb, struct evidence_tls *tls)
{
    if (pb->version > 65535 || pb->cipher > 65535 || pb->group > 65535 || pb->signature > 65535 ||
        pb->state > 255)
        return broken(reading, "a number of the handshake is out of range");
    tls->version = (uint16_t)pb->version;
    tls->cipher = (uint16_t)pb->cipher;
    tls->group = (uint16_t)pb->group;
    tls->signature = (uint16_t)pb->signature;
    tls->alpn = text_in(reading, pb->alpn, 255);
    tls->sni = text_in(reading, pb->sni, EVIDENCE_TEXT_MAX);
    tls->hello_retry = pb->hello_retry;
    tls->certificate_request = pb->certificate_request;
    tls->resumed = pb->resumed;
    tls->session_ticket = pb->session_ticket;
    tls->records_dropped = pb->records_dropped;
    tls->ssl_error = pb->ssl_error;
    tls->state = (uint8_t)pb->state;
    tls->chain_dropped = pb->chain_dropped;
    tls->chain_out_of_order = pb->chain_out_of_order;
    tls->has_san = pb->has_san;
    tls->hello_length = pb->hello_length;
    return reading->why == NULL;
}

static bool tls_in(struct reading *reading, struct attempt *attempt, const Parallax__Tls *pb)
{
    struct evidence_tls *tls = &attempt->tls;
    if (pb == NULL)
        return true;
    tls->ca_names =
        items_in(reading, pb->n_ca_names, EVIDENCE_MAX_CA_NAMES, sizeof *tls->ca_names, "too many CA names");
    tls->errors =
        items_in(reading, pb->n_errors, EVIDENCE_MAX_ERRORS, sizeof *tls->errors, "too many TLS errors");
    if (tls->ca_names == NULL || tls->errors == NULL)
        return false;
    for (size_t i = 0; i < pb->n_ca_names; i++)
        tls->ca_names[tls->ca_name_count++] = text_in(reading, pb->ca_names[i], EVIDENCE_TEXT_MAX);
    for (size_t i = 0; i < pb->n_errors; i++)
        tls->errors[tls->error_count++] = pb->errors[i];
    return tls_scalars_in(reading, pb, tls) && records_in(reading, pb, tls) && verify_in(reading, pb, tls) &&
           certificates_from_pb(pb, tls, reading->arena, &reading->why);
}

static bool http_in(struct reading *reading, struct attempt *attempt, const Parallax__Http *pb)
{
    struct evidence_http *http = &attempt->http;
    if (pb == NULL)
        return true;
    if (pb->status > 999)
        return broken(reading, "an HTTP status is above 999");
    http->status = (uint16_t)pb->status;
    http->reason = text_in(reading, pb->reason, EVIDENCE_TEXT_MAX);
    http->body_bytes = pb->body_bytes;
    http->malformed = pb->malformed;
    http->headers = items_in(reading, pb->n_headers, EVIDENCE_MAX_HEADERS, sizeof *http->headers,
                             "too many HTTP headers");
    for (size_t i = 0; http->headers != NULL && i < pb->n_headers; i++) {
        struct http_header *header = &http->headers[http->header_count++];
        header->name = text_in(reading, pb->headers[i]->name, EVIDENCE_TEXT_MAX);
        header->value = text_in(reading, pb->headers[i]->value, EVIDENCE_TEXT_MAX);
    }
    return reading->why == NULL;
}

static bool end_in(struct reading *reading, struct attempt *attempt, const Parallax__Attempt *pb)
{
    if (pb->ending != NULL) {
        if (pb->ending->how > ENDING_ERROR || pb->ending->first_bytes.len > EVIDENCE_FIRST_BYTES ||
            pb->ending->abuse > ABUSE_MESSAGES)
            return broken(reading, "an ending is out of range");
        attempt->end.how = (enum evidence_ending)pb->ending->how;
        attempt->end.abuse = (enum evidence_abuse)pb->ending->abuse;
        attempt->end.sent_bytes = pb->ending->sent_bytes;
        attempt->end.received_bytes = pb->ending->received_bytes;
        attempt->end.first_byte_count = pb->ending->first_bytes.len;
        if (pb->ending->first_bytes.len > 0)
            memcpy(attempt->end.first_bytes, pb->ending->first_bytes.data, pb->ending->first_bytes.len);
    }
    if (pb->local != NULL) {
        if (pb->local->kind > LOCAL_OTHER)
            return broken(reading, "an unknown local reason");
        attempt->local = (enum evidence_local)pb->local->kind;
        attempt->local_error = pb->local->error;
        attempt->local_detail = text_in(reading, pb->local->detail, EVIDENCE_TEXT_MAX);
    }
    return reading->why == NULL;
}

static bool identity_in(struct reading *reading, struct attempt *attempt, const Parallax__Attempt *pb)
{
    if (!variant_from_number(pb->variant, &attempt->variant))
        return broken(reading, "an unknown variant");
    if (pb->role > ATTEMPT_LADDER)
        return broken(reading, "an unknown attempt role");
    if (pb->depth > DEPTH_HELLO)
        return broken(reading, "an unknown depth");
    if (pb->sequence > INT64_MAX || pb->round_id > INT64_MAX || pb->endpoint_id > INT64_MAX)
        return broken(reading, "an id is out of range");
    attempt->role = (enum attempt_role)pb->role;
    attempt->depth = (enum depth)pb->depth;
    attempt->sequence = pb->sequence;
    attempt->round_id = pb->round_id;
    attempt->endpoint_id = pb->endpoint_id;
    return true;
}

struct attempt *attempt_from_pb(const Parallax__Attempt *pb, const char **ret_why)
{
    struct attempt *attempt = attempt_new();
    *ret_why = "out of memory";
    if (attempt == NULL)
        return NULL;
    struct reading reading = {.arena = &attempt->arena, .too_long = "a text is too long"};
    bool read = identity_in(&reading, attempt, pb) && prober_in(&reading, attempt, pb->prober) &&
                clock_in(&reading, attempt, pb->clock) && dns_in(&reading, attempt, pb) &&
                flow_in(&reading, attempt, pb->flow) && tcp_in(&reading, attempt, pb) &&
                tls_in(&reading, attempt, pb->tls) && http_in(&reading, attempt, pb->http) &&
                end_in(&reading, attempt, pb);
    if (read)
        return attempt;
    *ret_why = reading.why;
    attempt_free(attempt);
    return NULL;
}
