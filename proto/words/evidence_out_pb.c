#include "words/certificate_pb.h"
#include "words/evidence_pb.h"

/* Ours to theirs. Stamps travel plus one, so that "never" is the absent zero. */

static uint64_t stamp_out(int64_t at_us)
{
    return at_us < 0 ? 0 : (uint64_t)at_us + 1;
}

static char *text_out(const char *text)
{
    return (char *)(uintptr_t)text;
}

static ProtobufCBinaryData address_out(const struct address *address)
{
    return bytes_to_pb(address->bytes, address->length);
}

/* One generated struct from the arena, initialised. */
#define NEW_PB(arena, type, init)                                                                            \
    __extension__({                                                                                          \
        type *made = arena_take(arena, sizeof(type));                                                        \
        if (made != NULL)                                                                                    \
            init(made);                                                                                      \
        made;                                                                                                \
    })

static bool dns_out(const struct dns_query *query, Parallax__DnsQuery *pb, struct arena *arena)
{
    pb->type = query->type;
    pb->resolver = text_out(query->resolver);
    pb->rcode = query->rcode;
    pb->status = query->status;
    pb->took_us = query->took_us;
    pb->extra_answers = query->extra_answers;
    pb->from_hosts_file = query->from_hosts_file;
    pb->how = query->how;
    pb->answers = arena_array(arena, query->answer_count, sizeof *pb->answers);
    for (size_t i = 0; pb->answers != NULL && i < query->answer_count; i++) {
        Parallax__DnsAnswer *answer = NEW_PB(arena, Parallax__DnsAnswer, parallax__dns_answer__init);
        if (answer == NULL)
            return false;
        answer->name = text_out(query->answers[i].name);
        answer->address = address_out(&query->answers[i].address);
        answer->ttl_s = query->answers[i].ttl_s;
        pb->answers[pb->n_answers++] = answer;
    }
    return pb->answers != NULL;
}

static bool all_dns_out(const struct attempt *attempt, Parallax__Attempt *pb, struct arena *arena)
{
    pb->dns = arena_array(arena, attempt->dns_count, sizeof *pb->dns);
    for (size_t i = 0; pb->dns != NULL && i < attempt->dns_count; i++) {
        Parallax__DnsQuery *query = NEW_PB(arena, Parallax__DnsQuery, parallax__dns_query__init);
        if (query == NULL || !dns_out(&attempt->dns[i], query, arena))
            return false;
        pb->dns[pb->n_dns++] = query;
    }
    return pb->dns != NULL;
}

static bool clock_out(const struct attempt *attempt, Parallax__Attempt *pb, struct arena *arena)
{
    const struct evidence_clock *clock = &attempt->clock;
    pb->clock = NEW_PB(arena, Parallax__Clock, parallax__clock__init);
    if (pb->clock == NULL)
        return false;
    pb->clock->start_us = clock->start_us;
    pb->clock->start_error_us = clock->start_error_us;
    pb->clock->slot_us = clock->slot_us;
    pb->clock->loop_lag_us = clock->loop_lag_us;
#define X(field, name) pb->clock->field = stamp_out(clock->field);
    EVIDENCE_STAMPS(X)
#undef X
    return true;
}

static bool flow_out(const struct attempt *attempt, Parallax__Attempt *pb, struct arena *arena)
{
    const struct evidence_flow *flow = &attempt->flow;
    if (flow->destination.length == 0 && flow->error == 0)
        return true;
    pb->flow = NEW_PB(arena, Parallax__Flow, parallax__flow__init);
    if (pb->flow == NULL)
        return false;
    pb->flow->source = address_out(&flow->source);
    pb->flow->source_port = flow->source_port;
    pb->flow->destination = address_out(&flow->destination);
    pb->flow->destination_port = flow->destination_port;
    pb->flow->error = flow->error;
    pb->flow->error_call = flow->error_call;
    pb->flow->icmp_type = (uint32_t)(flow->icmp_type + 1);
    pb->flow->icmp_code = (uint32_t)(flow->icmp_code + 1);
    pb->flow->icmp_offender = address_out(&flow->icmp_offender);
    return true;
}

static bool tcp_out(const struct attempt *attempt, Parallax__Attempt *pb, struct arena *arena)
{
    pb->tcp = arena_array(arena, EVIDENCE_MAX_TCP_INFO, sizeof *pb->tcp);
    for (uint32_t i = 0; pb->tcp != NULL && i < EVIDENCE_MAX_TCP_INFO; i++) {
        const struct tcp_snapshot *snapshot = &attempt->tcp[i];
        if (!snapshot->taken)
            continue;
        Parallax__TcpInfo *info = NEW_PB(arena, Parallax__TcpInfo, parallax__tcp_info__init);
        if (info == NULL)
            return false;
        info->moment = i;
        info->at_us = stamp_out(snapshot->at_us);
#define X(type, field) info->field = snapshot->field;
        EVIDENCE_TCP_FIELDS(X)
#undef X
        pb->tcp[pb->n_tcp++] = info;
    }
    return pb->tcp != NULL;
}

static bool records_out(const struct evidence_tls *tls, Parallax__Tls *pb, struct arena *arena)
{
    pb->records = arena_array(arena, tls->record_count, sizeof *pb->records);
    for (size_t i = 0; pb->records != NULL && i < tls->record_count; i++) {
        const struct tls_record *record = &tls->records[i];
        Parallax__TlsRecord *out = NEW_PB(arena, Parallax__TlsRecord, parallax__tls_record__init);
        if (out == NULL)
            return false;
        out->received = record->received;
        out->content = record->content;
        out->type = record->type;
        out->level = record->level;
        out->length = record->length;
        out->at_us = stamp_out(record->at_us);
        pb->records[pb->n_records++] = out;
    }
    return pb->records != NULL;
}

static bool verify_out(const struct evidence_tls *tls, Parallax__Tls *pb, struct arena *arena)
{
    pb->verify_errors = arena_array(arena, tls->verify_error_count, sizeof *pb->verify_errors);
    for (size_t i = 0; pb->verify_errors != NULL && i < tls->verify_error_count; i++) {
        Parallax__VerifyError *out = NEW_PB(arena, Parallax__VerifyError, parallax__verify_error__init);
        if (out == NULL)
            return false;
        out->code = tls->verify_errors[i].code;
        out->depth = tls->verify_errors[i].depth;
        pb->verify_errors[pb->n_verify_errors++] = out;
    }
    return pb->verify_errors != NULL;
}

static void tls_scalars_out(const struct evidence_tls *tls, Parallax__Tls *pb)
{
    pb->version = tls->version;
    pb->cipher = tls->cipher;
    pb->group = tls->group;
    pb->signature = tls->signature;
    pb->alpn = text_out(tls->alpn);
    pb->sni = text_out(tls->sni);
    pb->hello_retry = tls->hello_retry;
    pb->certificate_request = tls->certificate_request;
    pb->resumed = tls->resumed;
    pb->session_ticket = tls->session_ticket;
    pb->records_dropped = tls->records_dropped;
    pb->ssl_error = tls->ssl_error;
    pb->state = tls->state;
    pb->chain_dropped = tls->chain_dropped;
    pb->chain_out_of_order = tls->chain_out_of_order;
    pb->has_san = tls->has_san;
    pb->hello_length = tls->hello_length;
}

static bool tls_out(const struct attempt *attempt, Parallax__Attempt *pb, struct arena *arena)
{
    const struct evidence_tls *tls = &attempt->tls;
    if (attempt->clock.connected_us == EVIDENCE_NEVER && !variant_fetches(attempt->variant))
        return true;
    Parallax__Tls *out = pb->tls = NEW_PB(arena, Parallax__Tls, parallax__tls__init);
    if (out == NULL)
        return false;
    tls_scalars_out(tls, out);
    out->ca_names = arena_array(arena, tls->ca_name_count, sizeof *out->ca_names);
    out->errors = arena_array(arena, tls->error_count, sizeof *out->errors);
    if (out->ca_names == NULL || out->errors == NULL)
        return false;
    for (size_t i = 0; i < tls->ca_name_count; i++)
        out->ca_names[out->n_ca_names++] = text_out(tls->ca_names[i]);
    for (size_t i = 0; i < tls->error_count; i++)
        out->errors[out->n_errors++] = tls->errors[i];
    return records_out(tls, out, arena) && verify_out(tls, out, arena) && certificates_to_pb(tls, out, arena);
}

static bool http_out(const struct attempt *attempt, Parallax__Attempt *pb, struct arena *arena)
{
    const struct evidence_http *http = &attempt->http;
    if (attempt->clock.request_us == EVIDENCE_NEVER)
        return true;
    Parallax__Http *out = pb->http = NEW_PB(arena, Parallax__Http, parallax__http__init);
    if (out == NULL)
        return false;
    out->status = http->status;
    out->reason = text_out(http->reason);
    out->body_bytes = http->body_bytes;
    out->malformed = http->malformed;
    out->headers = arena_array(arena, http->header_count, sizeof *out->headers);
    for (size_t i = 0; out->headers != NULL && i < http->header_count; i++) {
        Parallax__HttpHeader *header = NEW_PB(arena, Parallax__HttpHeader, parallax__http_header__init);
        if (header == NULL)
            return false;
        header->name = text_out(http->headers[i].name);
        header->value = text_out(http->headers[i].value);
        out->headers[out->n_headers++] = header;
    }
    return out->headers != NULL;
}

static bool prober_out(const struct attempt *attempt, Parallax__Attempt *pb, struct arena *arena)
{
    pb->prober = NEW_PB(arena, Parallax__Prober, parallax__prober__init);
    if (pb->prober == NULL)
        return false;
    pb->prober->agent_version = text_out(attempt->agent_version);
    pb->prober->tls_library = text_out(attempt->tls_library);
    pb->prober->hello_profile = text_out(attempt->hello_profile);
    pb->prober->engine = attempt->engine;
    pb->prober->engine_again = attempt->engine_again;
    pb->prober->ca_bundle_sha256 = bytes_to_pb(attempt->ca_bundle_sha256, sizeof attempt->ca_bundle_sha256);
    return true;
}

static bool end_out(const struct attempt *attempt, Parallax__Attempt *pb, struct arena *arena)
{
    pb->ending = NEW_PB(arena, Parallax__Ending, parallax__ending__init);
    if (pb->ending == NULL)
        return false;
    pb->ending->how = attempt->end.how;
    pb->ending->sent_bytes = attempt->end.sent_bytes;
    pb->ending->received_bytes = attempt->end.received_bytes;
    pb->ending->first_bytes = bytes_to_pb(attempt->end.first_bytes, attempt->end.first_byte_count);
    pb->ending->abuse = attempt->end.abuse;
    if (attempt->local == LOCAL_NONE)
        return true;
    pb->local = NEW_PB(arena, Parallax__Local, parallax__local__init);
    if (pb->local == NULL)
        return false;
    pb->local->kind = attempt->local;
    pb->local->error = attempt->local_error;
    pb->local->detail = text_out(attempt->local_detail);
    return true;
}

Parallax__Attempt *attempt_to_pb(const struct attempt *attempt, struct arena *arena)
{
    Parallax__Attempt *pb = NEW_PB(arena, Parallax__Attempt, parallax__attempt__init);
    if (pb == NULL)
        return NULL;
    pb->sequence = attempt->sequence;
    pb->round_id = attempt->round_id;
    pb->endpoint_id = attempt->endpoint_id;
    pb->variant = attempt->variant;
    pb->role = attempt->role;
    pb->depth = attempt->depth;
    bool made = prober_out(attempt, pb, arena) && clock_out(attempt, pb, arena) &&
                all_dns_out(attempt, pb, arena) && flow_out(attempt, pb, arena) &&
                tcp_out(attempt, pb, arena) && tls_out(attempt, pb, arena) && http_out(attempt, pb, arena) &&
                end_out(attempt, pb, arena);
    return made ? pb : NULL;
}
