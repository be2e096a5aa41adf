#include "ingest/copy.h"

#include "store/command.h"
#include "words/cdn.h"
#include "words/classify.h"
#include "words/message.h"
#include "words/utf8.h"

#include <arpa/inet.h>
#include <string.h>

/* --- fields: a 4-byte length (-1 for NULL), then the value in network byte order --- */

static bool put_bytes(struct buf *out, const void *bytes, size_t length)
{
    uint32_t prefix = htonl((uint32_t)length);
    return buf_append(out, &prefix, sizeof prefix) && buf_append(out, bytes, length);
}

static bool put_null(struct buf *out)
{
    uint32_t prefix = UINT32_MAX;
    return buf_append(out, &prefix, sizeof prefix);
}

/* Its length and itself at once: there are sixty of them in a row. */
static inline bool put_number(struct buf *out, int64_t value, size_t bytes)
{
    uint8_t wire[4 + 8] = {0, 0, 0, (uint8_t)bytes};
    for (size_t i = 0; i < bytes; i++)
        wire[4 + i] = (uint8_t)((uint64_t)value >> (8 * (bytes - 1 - i)));
    return buf_append(out, wire, 4 + bytes);
}

static int64_t cut(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static int64_t cut_unsigned(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static bool put_int2(struct buf *out, int64_t value)
{
    return put_number(out, cut(value, INT16_MIN, INT16_MAX), 2);
}

static bool put_int4(struct buf *out, int64_t value)
{
    return put_number(out, cut(value, INT32_MIN, INT32_MAX), 4);
}

static bool put_int8(struct buf *out, int64_t value)
{
    return put_number(out, value, 8);
}

static bool put_int2_if(struct buf *out, bool present, int64_t value)
{
    return present ? put_int2(out, value) : put_null(out);
}

static bool put_int4_if(struct buf *out, bool present, int64_t value)
{
    return present ? put_int4(out, value) : put_null(out);
}

static bool put_int8_if(struct buf *out, bool present, int64_t value)
{
    return present ? put_int8(out, value) : put_null(out);
}

static bool put_stamp(struct buf *out, int64_t stamp_us)
{
    return put_int4_if(out, stamp_us != EVIDENCE_NEVER, stamp_us);
}

/* timestamptz: microseconds since 2000-01-01 UTC. */
#define COPY_EPOCH_US (INT64_C(946684800) * 1000000)

static bool put_time_if(struct buf *out, bool present, int64_t unix_us)
{
    return present ? put_int8(out, unix_us - COPY_EPOCH_US) : put_null(out);
}

/* inet: family, prefix length, is it a cidr, how many bytes, the bytes. */
static bool put_address(struct buf *out, const struct address *address)
{
    if (address->length == 0)
        return put_null(out);
    uint8_t wire[4 + sizeof address->bytes];
    wire[0] = address->length == 4 ? 2 : 3;
    wire[1] = (uint8_t)(address->length * 8);
    wire[2] = 0;
    wire[3] = address->length;
    memcpy(wire + 4, address->bytes, address->length);
    return put_bytes(out, wire, 4U + address->length);
}

/* Nothing in it has to be cleaned. */
static bool is_plain(const char *text, size_t length)
{
    bool plain = true;
    for (size_t i = 0; i < length; i++)
        plain = plain && (uint8_t)text[i] - 1U < 0x7f;
    return plain;
}

/* NULL for an absent or empty text. */
static bool put_text_of(struct buf *out, const char *text, size_t length)
{
    if (length == 0)
        return put_null(out);
    if (is_plain(text, length))
        return put_bytes(out, text, length);
    struct buf clean;
    buf_init(&clean, 0);
    bool put = utf8_clean(&clean, text, length) && put_bytes(out, clean.data, clean.len);
    buf_done(&clean);
    return put;
}

static bool put_text(struct buf *out, const char *text)
{
    return put_text_of(out, text, text == NULL ? 0 : strnlen(text, EVIDENCE_TEXT_MAX));
}

/* A redirect without its query, which often differs each time. */
static bool put_location(struct buf *out, const char *text)
{
    size_t length = text == NULL ? 0 : strcspn(text, "?#");
    return put_text_of(out, text, length < EVIDENCE_TEXT_MAX ? length : EVIDENCE_TEXT_MAX);
}

/* --- what a column is made of --- */

/* The last look at the connection, which has seen most. */
static const struct tcp_snapshot *last_tcp(const struct attempt *attempt)
{
    for (int moment = MOMENT_END; moment > 0; moment--)
        if (attempt->tcp[moment].taken)
            return &attempt->tcp[moment];
    return &attempt->tcp[0];
}

static int64_t chain_length(const struct attempt *attempt)
{
    return (int64_t)attempt->tls.chain_count + attempt->tls.chain_dropped;
}

static bool put_rcode(struct buf *out, const struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->dns_count; i++)
        if (attempt->dns[i].rcode >= 0)
            return put_int2(out, attempt->dns[i].rcode);
    return put_null(out);
}

static bool put_alert(struct buf *out, const struct attempt *attempt, bool received)
{
    uint8_t level = 0, description = 0;
    bool came = attempt_alert(attempt, received, &level, &description);
    return put_int2_if(out, came, description);
}

static bool put_bool_if(struct buf *out, bool present, bool value)
{
    return present ? put_number(out, value, 1) : put_null(out);
}

static bool put_icmp(struct buf *out, const struct evidence_flow *flow)
{
    return put_int4_if(out, flow->icmp_type >= 0, flow->icmp_type * 256 + flow->icmp_code);
}

static bool put_verify_error(struct buf *out, const struct attempt *attempt)
{
    bool any = attempt->tls.verify_error_count > 0;
    return put_int4_if(out, any, any ? attempt->tls.verify_errors[0].code : 0);
}

static bool put_evidence(struct buf *out, const struct copy_row *row)
{
    struct buf bytes;
    if (row->encoded.length > 0)
        return put_bytes(out, row->encoded.data, row->encoded.length);
    buf_init(&bytes, 0);
    bool put = attempt_encode(row->attempt, &bytes) && put_bytes(out, bytes.data, bytes.len);
    buf_done(&bytes);
    return put;
}

static bool says_ocsp(const struct attempt *attempt)
{
    return attempt->tls.staple == STAPLE_PRESENT || attempt->tls.responder == RESPONDER_ANSWERED;
}

/* X(column, how it is written): the order here is the order on the wire. */
#define COPY_COLUMNS(X)                                                                                      \
    X(endpoint_id, put_int8(out, cut_unsigned(a->endpoint_id)))                                              \
    X(start_at, put_time_if(out, true, a->clock.start_us))                                                   \
    X(vantage_id, put_int4(out, row->vantage_id))                                                            \
    X(sequence, put_int8(out, cut_unsigned(a->sequence)))                                                    \
    X(round_id, put_int8_if(out, a->round_id != 0, cut_unsigned(a->round_id)))                               \
    X(variant, put_int2(out, a->variant))                                                                    \
    X(role, put_int2(out, a->role))                                                                          \
    X(rules, put_int2(out, CLASSIFY_RULES))                                                                  \
    X(stage, put_int2(out, row->outcome.stage))                                                              \
    X(class, put_int2(out, row->outcome.class))                                                              \
    X(raw_kind, put_int2(out, row->outcome.raw_kind))                                                        \
    X(raw, put_int4(out, row->outcome.raw))                                                                  \
    X(start_error_us, put_int8(out, cut_unsigned(a->clock.start_error_us)))                                  \
    X(slot_at, put_time_if(out, a->clock.slot_us != 0, a->clock.slot_us))                                    \
    X(loop_lag_us, put_int4(out, cut_unsigned(a->clock.loop_lag_us)))                                        \
    X(resolved_us, put_stamp(out, a->clock.resolved_us))                                                     \
    X(connect_us, put_stamp(out, a->clock.connect_us))                                                       \
    X(connected_us, put_stamp(out, a->clock.connected_us))                                                   \
    X(hello_sent_us, put_stamp(out, a->clock.hello_sent_us))                                                 \
    X(first_byte_us, put_stamp(out, a->clock.first_byte_us))                                                 \
    X(handshake_us, put_stamp(out, a->clock.handshake_us))                                                   \
    X(request_us, put_stamp(out, a->clock.request_us))                                                       \
    X(first_data_us, put_stamp(out, a->clock.first_data_us))                                                 \
    X(closed_us, put_stamp(out, a->clock.closed_us))                                                         \
    X(asn, put_int8_if(out, row->asn != 0, row->asn))                                                        \
    X(address, put_address(out, &a->flow.destination))                                                       \
    X(source_port, put_int4_if(out, a->flow.source_port != 0, a->flow.source_port))                          \
    X(errno, put_int4(out, a->flow.error))                                                                   \
    X(errno_call, put_int2(out, a->flow.error_call))                                                         \
    X(min_rtt_us, put_int4_if(out, tcp->taken, tcp->min_rtt_us))                                             \
    X(total_retrans, put_int4_if(out, tcp->taken, tcp->total_retrans))                                       \
    X(sent_bytes, put_int8(out, cut_unsigned(a->end.sent_bytes)))                                            \
    X(received_bytes, put_int8(out, cut_unsigned(a->end.received_bytes)))                                    \
    X(ending, put_int2(out, a->end.how))                                                                     \
    X(dns_rcode, put_rcode(out, a))                                                                          \
    X(tls_version, put_int4_if(out, a->tls.version != 0, a->tls.version))                                    \
    X(cipher, put_int4_if(out, a->tls.cipher != 0, a->tls.cipher))                                           \
    X(tls_group, put_int4_if(out, a->tls.group != 0, a->tls.group))                                          \
    X(signature, put_int4_if(out, a->tls.signature != 0, a->tls.signature))                                  \
    X(alpn, put_text(out, a->tls.alpn))                                                                      \
    X(alert_in, put_alert(out, a, true))                                                                     \
    X(verify_error, put_verify_error(out, a))                                                                \
    X(staple, put_int2(out, a->tls.staple))                                                                  \
    X(sct_count, put_int2(out, a->tls.sct_count))                                                            \
    X(http_status, put_int2_if(out, a->http.status != 0, a->http.status))                                    \
    X(server, put_text(out, attempt_header(a, "server")))                                                    \
    X(location, put_location(out, attempt_header(a, "location")))                                            \
    X(edge, put_text(out, edge.name))                                                                        \
    X(pop, put_text(out, edge.pop))                                                                          \
    X(hello_acked_us, put_stamp(out, a->clock.hello_acked_us))                                               \
    X(flight_us, put_stamp(out, a->clock.flight_us))                                                         \
    X(icmp, put_icmp(out, &a->flow))                                                                         \
    X(hello_bytes, put_int4_if(out, a->tls.hello_length > 0, a->tls.hello_length))                           \
    X(hello_retry, put_bool_if(out, a->tls.hello_length > 0, a->tls.hello_retry))                            \
    X(client_cert_asked, put_bool_if(out, a->tls.hello_length > 0, a->tls.certificate_request))              \
    X(alert_out, put_alert(out, a, false))                                                                   \
    X(chain_length, put_int2_if(out, chain_length(a) > 0, chain_length(a)))                                  \
    X(must_staple, put_bool_if(out, chain_length(a) > 0, a->tls.leaf.must_staple))                           \
    X(ocsp, put_int2_if(out, says_ocsp(a), a->tls.ocsp.status))                                              \
    X(abuse, put_int2_if(out, a->end.abuse != ABUSE_NONE, a->end.abuse))                                     \
    X(engine, put_int2_if(out, a->engine != ENGINE_NONE, a->engine))                                         \
    X(evidence, put_evidence(out, row))

#define COPY_NAME(column, put)  ", " #column
#define COPY_COUNT(column, put) +1
#define COPY_PUT(column, put)   &&(put)

enum { COPY_COLUMN_COUNT = 1 COPY_COLUMNS(COPY_COUNT) }; /* and chain_id */

/* Made at build: each name brings its comma, and the first one's is not part of the text. */
static const char column_names[] = "" COPY_COLUMNS(COPY_NAME);

char *copy_attempt_sql(void)
{
    return text_format("COPY attempt (%s, chain_id) FROM STDIN (FORMAT binary)", column_names + 2);
}

bool copy_begin(struct buf *out)
{
    static const uint8_t header[19] = "PGCOPY\n\377\r\n"; /* and a zero, no flags, no extension */
    return buf_append(out, header, sizeof header);
}

bool copy_attempt(struct buf *out, const struct copy_row *row)
{
    const struct attempt *a = row->attempt;
    const struct tcp_snapshot *tcp = last_tcp(a);
    struct cdn_match edge = {.name = ""};
    (void)cdn_identify(a, row->address_asn, &edge);
    uint16_t count = htons(COPY_COLUMN_COUNT);
    return buf_append(out, &count, sizeof count) COPY_COLUMNS(COPY_PUT);
}

bool copy_chain(struct buf *out, int64_t chain_id)
{
    return put_int8_if(out, chain_id != 0, chain_id);
}

bool copy_end(struct buf *out)
{
    static const uint8_t trailer[2] = {0xff, 0xff};
    return buf_append(out, trailer, sizeof trailer);
}
