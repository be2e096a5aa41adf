#include "cmocka_all.h"

#include "words/attempt_from_json.h"
#include "words/attempt_json.h"
#include "words/classify.h"
#include "words/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- attempts with everything set, by a generator that is the same on every machine --- */

static uint64_t seed;

static uint64_t any(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

static const char *any_text(struct arena *arena, size_t max)
{
    static const char *const pieces[] = {
        "", "a", "www.shop.example", "\"\\/", "\x01\x1b", "\xe5\xba\x97", "CN=R11"};
    char text[64] = "";
    size_t at = 0;
    for (uint64_t i = any(4); i > 0; i--)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s", pieces[any(7)]);
    return arena_text(arena, text, at < max ? at : 0);
}

static struct address any_address(void)
{
    struct address address = {.length = (uint8_t)(any(3) * 8)};
    if (address.length == 8)
        address.length = 4;
    for (size_t i = 0; i < address.length; i++)
        address.bytes[i] = (uint8_t)(1 + any(255));
    return address;
}

static int64_t any_stamp(void)
{
    return any(4) == 0 ? EVIDENCE_NEVER : (int64_t)any(UINT64_C(3600000001));
}

static void fill_flow(struct attempt *attempt)
{
    attempt->dns_count = any(EVIDENCE_MAX_DNS + 1);
    for (size_t i = 0; i < attempt->dns_count; i++) {
        struct dns_query *query = &attempt->dns[i];
        *query = (struct dns_query){.how = (enum evidence_ask)any(4),
                                    .type = any(2) == 0 ? 1 : 28,
                                    .resolver = any_text(&attempt->arena, 64),
                                    .rcode = (int32_t)any(24) - 1,
                                    .status = (int32_t)any(30) - 2,
                                    .took_us = any(1000000),
                                    .answer_count = any(4),
                                    .extra_answers = (uint32_t)any(3),
                                    .from_hosts_file = any(2) == 0};
        query->answers = arena_array(&attempt->arena, query->answer_count, sizeof *query->answers);
        for (size_t k = 0; k < query->answer_count; k++) {
            struct address address = any_address();
            query->answers[k] =
                (struct dns_answer){.name = address.length == 0 ? any_text(&attempt->arena, 64) : "",
                                    .address = address,
                                    .ttl_s = (uint32_t)any(90000)};
        }
    }
    struct evidence_flow *flow = &attempt->flow;
    flow->destination = any_address();
    flow->error = any(2) == 0 ? 0 : (int32_t)any(134);
    if (flow->destination.length == 0 && flow->error == 0)
        return;
    flow->source = any_address();
    flow->source_port = (uint16_t)any(65536);
    flow->destination_port = (uint16_t)any(65536);
    flow->error_call = (enum evidence_call)any(5);
    if (any(2) == 0) {
        flow->icmp_type = (int)any(256);
        flow->icmp_code = (int)any(256);
        flow->icmp_offender = any_address();
    }
}

static void fill_certificates(struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    struct arena *arena = &attempt->arena;
    tls->chain_count = any(4);
    tls->chain = arena_array(arena, tls->chain_count, sizeof *tls->chain);
    for (size_t i = 0; i < tls->chain_count; i++) {
        struct chain_certificate *to = &tls->chain[i];
        to->subject = to->issuer = to->key_type = to->key_group = to->signature_name = "";
        to->sha256[any(32)] = (uint8_t)any(256);
        to->parsed = any(4) != 0;
        if (!to->parsed)
            continue;
        to->subject = any_text(arena, 64);
        to->issuer = any_text(arena, 64);
        to->not_before_s = (int64_t)any(4000000000) - 2000000000;
        to->not_after_s = (int64_t)any(4000000000);
        to->key_type = "EC";
        to->key_bits = (uint32_t)any(9000);
        to->key_group = "prime256v1";
        to->signature_name = any_text(arena, 64);
        to->self_signed = any(2) == 0;
        to->ca = any(2) == 0;
#define X(field, nid) to->field = (enum evidence_presence)any(4);
        EVIDENCE_EXTENSIONS(X)
#undef X
    }
    tls->staple = (enum evidence_staple)any(4);
    tls->responder = (enum evidence_responder)any(4);
    tls->responder_url = tls->responder == RESPONDER_NOT_ASKED ? "" : any_text(arena, 64);
    if ((tls->staple == STAPLE_PRESENT || tls->responder == RESPONDER_ANSWERED) && tls->chain_count > 0)
        tls->ocsp = (struct evidence_ocsp){.status = (enum evidence_ocsp_status)any(4),
                                           .response = (int32_t)any(8),
                                           .produced_s = (int64_t)any(4000000000),
                                           .this_update_s = (int64_t)any(4000000000),
                                           .next_update_s = (int64_t)any(2),
                                           .revoked_s = (int64_t)any(4000000000),
                                           .reason = (int32_t)any(11) - 1,
                                           .signature = (enum evidence_signature)any(3)};
    tls->sct_count = (uint32_t)any(9);
    tls->sct_certificate = (uint32_t)any(5);
    tls->sct_tls = (uint32_t)any(5);
    tls->sct_staple = (uint32_t)any(5);
    tls->issuer = (enum evidence_issuer)any(6);
    tls->issuer_url = tls->issuer == ISSUER_NOT_FETCHED ? "" : any_text(arena, 64);
    if (tls->chain_count == 0)
        return;
    struct evidence_leaf *leaf = &tls->leaf;
    leaf->name_count = any(5);
    leaf->names = arena_array(arena, leaf->name_count, sizeof *leaf->names);
    for (size_t i = 0; i < leaf->name_count; i++)
        leaf->names[i] = any_text(arena, 64);
    leaf->names_dropped = (uint32_t)any(3);
    leaf->must_staple = any(2) == 0;
    leaf->common_name = any_text(arena, 64);
    leaf->issuer_url = any_text(arena, 64);
    leaf->ocsp_url = any_text(arena, 64);
    leaf->crl_url = any_text(arena, 64);
}

static void fill_tls(struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    struct arena *arena = &attempt->arena;
    tls->version = (uint16_t)any(65536);
    tls->cipher = (uint16_t)any(65536);
    tls->group = (uint16_t)any(65536);
    tls->signature = (uint16_t)any(65536);
    tls->alpn = any_text(arena, 64);
    tls->sni = any_text(arena, 64);
    tls->hello_retry = any(2) == 0;
    tls->certificate_request = any(2) == 0;
    tls->resumed = any(2) == 0;
    tls->session_ticket = any(2) == 0;
    tls->hello_length = (uint32_t)any(2000);
    tls->ssl_error = (int32_t)any(9);
    tls->state = (uint8_t)any(50);
    tls->chain_dropped = (uint32_t)any(3);
    tls->records_dropped = (uint32_t)any(3);
    tls->chain_out_of_order = any(2) == 0;
    tls->has_san = any(2) == 0;
    tls->ca_name_count = any(3);
    tls->ca_names = arena_array(arena, tls->ca_name_count, sizeof *tls->ca_names);
    for (size_t i = 0; i < tls->ca_name_count; i++)
        tls->ca_names[i] = any_text(arena, 64);
    tls->error_count = any(4);
    tls->errors = arena_array(arena, tls->error_count, sizeof *tls->errors);
    for (size_t i = 0; i < tls->error_count; i++)
        tls->errors[i] = any(2) == 0 ? 0x0A000458 : seed;
    tls->record_count = any(9);
    tls->records = arena_array(arena, tls->record_count, sizeof *tls->records);
    for (size_t i = 0; i < tls->record_count; i++) {
        tls->records[i] = (struct tls_record){.received = any(2) == 0,
                                              .content = (uint8_t)(20 + any(3)),
                                              .type = (uint8_t)any(256),
                                              .length = (uint32_t)any(20000),
                                              .at_us = any_stamp()};
        tls->records[i].level = tls->records[i].content == 21 ? (uint8_t)any(3) : 0;
    }
    tls->verify_error_count = any(4);
    tls->verify_errors = arena_array(arena, tls->verify_error_count, sizeof *tls->verify_errors);
    for (size_t i = 0; i < tls->verify_error_count; i++)
        tls->verify_errors[i] =
            (struct verify_error){.code = 1 + (int32_t)any(90), .depth = (uint32_t)any(4)};
    fill_certificates(attempt);
}

static void fill_http(struct attempt *attempt)
{
    struct evidence_http *http = &attempt->http;
    http->status = (uint16_t)any(1000);
    http->reason = any_text(&attempt->arena, 64);
    http->body_bytes = any(1000000);
    http->malformed = any(2) == 0;
    http->header_count = any(4);
    http->headers = arena_array(&attempt->arena, http->header_count, sizeof *http->headers);
    for (size_t i = 0; i < http->header_count; i++)
        http->headers[i] = (struct http_header){.name = "server", .value = any_text(&attempt->arena, 64)};
}

static struct attempt *any_attempt(void)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->sequence = any(1000000);
    attempt->variant = (enum variant)any(VARIANT_OCSP + 1);
    attempt->role = (enum attempt_role)any(4);
    attempt->depth = (enum depth)any(DEPTH_HELLO + 1);
    attempt->agent_version = any_text(&attempt->arena, 60);
    attempt->tls_library = any_text(&attempt->arena, 60);
    attempt->hello_profile = any_text(&attempt->arena, 60);
    attempt->engine = (enum evidence_engine)any(ENGINE_OWN + 1);
    attempt->engine_again = any(2) == 0;
    for (size_t i = 0; i < 32; i++)
        attempt->ca_bundle_sha256[i] = (uint8_t)any(256);
    struct evidence_clock *clock = &attempt->clock;
    clock->start_us = INT64_C(1748736000000000) + (int64_t)any(1000000000);
    clock->start_error_us = any(100000);
    clock->slot_us = any(2) == 0 ? 0 : clock->start_us - 5;
    clock->loop_lag_us = any(1000);
#define X(field, name) clock->field = any_stamp();
    EVIDENCE_STAMPS(X)
#undef X
    fill_flow(attempt);
    for (int i = 0; i < EVIDENCE_MAX_TCP_INFO; i++) {
        struct tcp_snapshot *snapshot = &attempt->tcp[i];
        if (any(2) == 0)
            continue;
        snapshot->taken = true;
        snapshot->at_us = any_stamp();
#define X(type, field) snapshot->field = (type)(any(2) == 0 ? any(100000) : (type)-1 / 2);
        EVIDENCE_TCP_FIELDS(X)
#undef X
    }
    if (clock->connected_us != EVIDENCE_NEVER)
        fill_tls(attempt);
    if (clock->request_us != EVIDENCE_NEVER)
        fill_http(attempt);
    attempt->end = (struct evidence_end){.how = (enum evidence_ending)any(8),
                                         .sent_bytes = any(1000000),
                                         .received_bytes = any(1000000),
                                         .first_byte_count = any(EVIDENCE_FIRST_BYTES + 1),
                                         .abuse = (enum evidence_abuse)any(11)};
    for (size_t i = 0; i < attempt->end.first_byte_count; i++)
        attempt->end.first_bytes[i] = (uint8_t)any(256);
    attempt->local = (enum evidence_local)any(6);
    if (attempt->local != LOCAL_NONE) {
        attempt->local_error = (int32_t)any(134);
        attempt->local_detail = any_text(&attempt->arena, 64);
    }
    return attempt;
}

/* --- reading --- */

/* What a person may write beside the evidence is taken here, as the readers of files do. */
static struct attempt *read_json(const json_t *json, struct json_reader *reader)
{
    *reader = (struct json_reader){0};
    struct json_part part = json_document(reader, json);
    struct attempt *attempt = attempt_from_json(&part);
    static const char *const others[] = {"schema", "endpoint", "outcome", "edge"};
    for (size_t i = 0; i < 4; i++)
        (void)json_take(&part, others[i]);
    json_part_end(&part);
    return attempt;
}

static json_t *through_text(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    assert_non_null(text);
    json_t *back = json_loads(text, 0, NULL);
    assert_non_null(back);
    free(text);
    json_decref(json);
    return back;
}

static void an_attempt_comes_back_as_it_was(void **state)
{
    (void)state;
    for (seed = 1; seed < 3000;) {
        uint64_t number = seed;
        struct attempt *attempt = any_attempt();
        json_t *json = attempt_json(attempt, NULL, classify(attempt));
        assert_non_null(json);
        assert_int_equal(json_object_set_new(json, "sequence", json_integer((json_int_t)attempt->sequence)),
                         0);
        json = through_text(json);
        struct json_reader reader;
        struct attempt *back = read_json(json, &reader);
        if (back == NULL)
            fail_msg("attempt %u: %s: %s", (unsigned)number, reader.path, reader.why);
        assert_int_equal(reader.unknown, 0);
        struct buf first, second;
        buf_init(&first, 0);
        buf_init(&second, 0);
        assert_true(attempt_encode(attempt, &first) && attempt_encode(back, &second));
        if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
            fail_msg("attempt %u comes back as another one: %s", (unsigned)number,
                     json_dumps(json, JSON_COMPACT));
        buf_done(&first);
        buf_done(&second);
        attempt_free(attempt);
        attempt_free(back);
        json_decref(json);
        seed = number + 1;
    }
}

/* Lines as people write them, and what they mean. */
static const struct {
    const char *line;
    const char *class;
} by_hand[] = {
    {"{'flow':{'destination':'203.0.113.7'},'tls':{'version':'TLSv1.3'}}", "ok"},
    {"{'http':{'status':200}}", "ok"},
    {"{'clock':{'start':'2025-06-01T00:00:00Z','handshake_us':90000}}", "ok"},
    {"{'tls':{'version':{'number':772,'name':'TLSv1.3'}},'http':{'status':301}}", "ok"},
    {"{'local':{'kind':'policy'}}", "local.policy"},
    {"{'local':{'kind':'no-route','error':101}}", "local.no_route"},
    {"{'dns':[{'type':'A','rcode':3}]}", "dns.nxdomain"},
    {"{'dns':[{'type':'A','rcode':2}]}", "dns.servfail"},
    {"{'dns':[{'type':'A','rcode':0}]}", "dns.no_address"},
    {"{'dns':[{'type':'A','status':12}]}", "dns.timeout"},
    {"{'dns':[{'type':'A','status':10}]}", "dns.malformed"},
    {"{'flow':{'error':111}}", "tcp.refused"},
    {"{'flow':{'error':'ECONNREFUSED','error_call':'connect'}}", "tcp.refused"},
    {"{'flow':{'error':{'number':110,'name':'ETIMEDOUT'}}}", "tcp.timeout"},
    {"{'flow':{'destination':'203.0.113.7'},'ending':{'how':'timeout'}}", "tcp.timeout"},
    {"{'flow':{'error':'ENETUNREACH'}}", "tcp.unreachable"},
    {"{'flow':{'destination':'203.0.113.7','icmp_type':3,'icmp_code':13}}", "tcp.unreachable"},
    {"{'clock':{'connected_us':31000},'flow':{'error':104}}", "hello.reset"},
    {"{'flow':{'error':'ECONNRESET','error_call':'recv'}}", "hello.reset"},
    {"{'ending':{'how':'reset'}}", "hello.reset"},
    {"{'ending':{'how':'fin'}}", "hello.closed"},
    {"{'clock':{'connected_us':31000},'ending':{'how':'timeout'}}", "hello.silent"},
    {"{'clock':{'connected_us':31000},'ending':{'how':'timeout'},'tcp_info':{'end':{'bytes_acked':1}}}",
     "hello.unacked"},
    {"{'clock':{'connected_us':1},'ending':{'how':'timeout'},'tcp_info':{'end':{'bytes_acked':518,'rcv_"
     "ooopack':2}}}",
     "hello.flight_lost"},
    {"{'tls':{'records':[{'alert':'unrecognized_name'}]}}", "tls.alert"},
    {"{'tls':{'records':[{'direction':'in','content':21,'type':40,'level':2}]}}", "tls.alert"},
    {"{'ending':{'how':'error','first_bytes':'485454502f312e31'},'tls':{}}", "tls.not_tls"},
    {"{'clock':{'first_byte_us':62000},'ending':{'how':'reset'}}", "tls.reset"},
    {"{'clock':{'first_byte_us':62000},'ending':{'how':'fin'}}", "tls.closed"},
    {"{'clock':{'first_byte_us':62000},'ending':{'how':'timeout'}}", "tls.stalled"},
    {"{'tls':{'errors':['0A000102'],'records':[{'direction':'in'}]},'ending':{'how':'error'}}",
     "tls.old_version"},
    {"{'tls':{'verify_errors':[{'code':10}]}}", "cert.expired"},
    {"{'tls':{'verify_errors':[{'code':20},{'code':21}]}}", "cert.no_issuer"},
    {"{'tls':{'verify_errors':[{'code':62}]}}", "cert.name"},
    {"{'tls':{'version':'TLSv1.3','ocsp':{'status':'revoked','signature':'good'},'chain':[{'sha256':"
     "'abababababababababababababababababababababababababababababababab'}]}}",
     "cert.revoked"},
    {"{'http':{'status':502}}", "http.gateway"},
    {"{'http':{'status':526}}", "http.edge_origin"},
    {"{'http':{'status':500}}", "http.server_error"},
    {"{'http':{},'ending':{'how':'reset'}}", "http.reset"},
    {"{'http':{},'ending':{'how':'fin'}}", "http.closed"},
    {"{'http':{},'ending':{'how':'timeout'}}", "http.silent"},
    {"{'http':{'malformed':true}}", "http.malformed"},
};

static json_t *quoted(const char *line)
{
    char *text = strdup(line);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    json_t *json = json_loads(text, 0, NULL);
    if (json == NULL)
        fail_msg("no JSON: %s", text);
    free(text);
    return json;
}

static void lines_by_hand_mean_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof by_hand / sizeof by_hand[0]; i++) {
        struct json_reader reader;
        json_t *json = quoted(by_hand[i].line);
        struct attempt *attempt = read_json(json, &reader);
        if (attempt == NULL)
            fail_msg("%s: %s: %s", by_hand[i].line, reader.path, reader.why);
        assert_int_equal(reader.unknown, 0);
        const char *class = outcome_class_id(classify(attempt).class);
        if (strcmp(class, by_hand[i].class) != 0)
            fail_msg("%s is %s, not %s", by_hand[i].line, class, by_hand[i].class);
        /* What is stored means the same. */
        const char *why;
        struct buf wire;
        buf_init(&wire, 0);
        assert_true(attempt_encode(attempt, &wire));
        struct attempt *stored = attempt_decode(wire.data, wire.len, &why);
        assert_non_null(stored);
        assert_string_equal(outcome_class_id(classify(stored).class), class);
        buf_done(&wire);
        attempt_free(stored);
        attempt_free(attempt);
        json_decref(json);
    }
}

/* What is wrong, where it is, and a part of what was expected there. */
static const struct {
    const char *line;
    const char *path;
    const char *why;
} wrong[] = {
    {"[]", "", "expected an object, got an array"},
    {"{'variant':'nomal'}", "variant", "expected one of normal retry"},
    {"{'clock':{'connected_us':-5}}", "clock.connected_us", "from 0 to 3600000000, got -5"},
    {"{'clock':{'start':'yesterday'}}", "clock.start", "expected a time"},
    {"{'clock':[]}", "clock", "expected an object, got an array"},
    {"{'flow':{'destination':'203.0.113.777'}}", "flow.destination", "expected an address"},
    {"{'flow':{'error':'EWHAT'}}", "flow.error", "a name that is known, got the text \"EWHAT\""},
    {"{'dns':[{},{'answers':[{},{'ttl_s':1.5}]}]}", "dns[1].answers[1].ttl_s",
     "got a number with a fraction"},
    {"{'dns':[{},{},{},{},{}]}", "dns", "an array of at most 4"},
    {"{'tls':{'records':[{'length':'x'}]}}", "tls.records[0].length", "got the text \"x\""},
    {"{'tls':{'records':[7]}}", "tls.records[0]", "expected an object, got 7"},
    {"{'tls':{'errors':['xyz']}}", "tls.errors", "hex digits"},
    {"{'tls':{'chain':[{'sha256':'ab'}]}}", "tls.chain[0].sha256", "64 hex digits"},
    {"{'tls':{'leaf':{'names':['a',5]}}}", "tls.leaf.names[1]", "a text of at most 256 bytes, got 5"},
    {"{'http':{'status':1000}}", "http.status", "from 0 to 999, got 1000"},
    {"{'ending':{'first_bytes':'abc'}}", "ending.first_bytes", "hex digits"},
    {"{'sequence':-1}", "sequence", "got -1"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct json_reader reader;
        json_t *json = quoted(wrong[i].line);
        if (read_json(json, &reader) != NULL)
            fail_msg("taken: %s", wrong[i].line);
        if (strcmp(reader.path, wrong[i].path) != 0 || strstr(reader.why, wrong[i].why) == NULL)
            fail_msg("%s: %s: %s", wrong[i].line, reader.path, reader.why);
        json_decref(json);
    }
}

static void unknown_keys_are_counted(void **state)
{
    (void)state;
    struct json_reader reader;
    json_t *json =
        quoted("{'note':'x','clock':{'connceted_us':5},'tls':{'records':[{'direction':'in','size':5}]}}");
    struct attempt *attempt = read_json(json, &reader);
    assert_non_null(attempt);
    assert_int_equal(reader.unknown, 3);
    attempt_free(attempt);
    json_decref(json);
}

/* Evidence of what cannot have been would be lost on the way back. */
static void contradictions_are_refused(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"{'local':{'kind':'policy'},'http':{'headers':[{'name':'cf-ray'}]}}", "http"},
        {"{'local':{'kind':'policy'},'tls':{'version':'TLSv1.3'}}", "tls"},
        {"{'clock':{'request_us':null},'http':{'status':200}}", "http"},
        {"{'clock':{'connected_us':null},'tls':{}}", "tls"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct json_reader reader;
        json_t *json = quoted(lines[i][0]);
        assert_null(read_json(json, &reader));
        assert_string_equal(reader.path, lines[i][1]);
        assert_non_null(strstr(reader.why, "expected null"));
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contradictions_are_refused),       cmocka_unit_test(an_attempt_comes_back_as_it_was),
        cmocka_unit_test(lines_by_hand_mean_what_they_say), cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(unknown_keys_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
