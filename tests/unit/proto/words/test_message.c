#include "cmocka_all.h"

#include "words/message.h"

#include <stdlib.h>
#include <string.h>

/* Encodes and decodes; the caller frees through message_done and the arena. */
static struct message there_and_back(const struct message *message, struct arena *arena)
{
    struct buf wire;
    buf_init(&wire, 0);
    assert_true(message_encode(message, &wire));
    struct message back;
    const char *why = "";
    if (!message_decode(wire.data == NULL ? (const void *)"" : wire.data, wire.len, arena, &back, &why))
        fail_msg("%s: %s", message_kind_name((int)message->kind), why);
    buf_done(&wire);
    assert_int_equal(back.kind, message->kind);
    return back;
}

static struct attempt *sample_attempt(uint64_t sequence)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    struct arena *arena = &attempt->arena;
    attempt->sequence = sequence;
    attempt->round_id = 8141;
    attempt->endpoint_id = 7;
    attempt->variant = VARIANT_RETRY;
    attempt->role = ATTEMPT_CONFIRM;
    attempt->agent_version = arena_string(arena, "0.1.0");
    attempt->hello_profile = "normal";
    attempt->depth = DEPTH_HELLO;
    attempt->engine = ENGINE_OWN;
    attempt->engine_again = true;
    attempt->ca_bundle_sha256[31] = 9;
    attempt->clock.start_us = INT64_C(1795169564123456);
    attempt->clock.start_error_us = 250;
    attempt->clock.slot_us = INT64_C(1795169564123000);
    attempt->clock.resolved_us = 0; /* a stamp of zero is not "never" */
    attempt->clock.connected_us = 31000;
    attempt->clock.request_us = 64000;
    attempt->dns_count = 2;
    attempt->dns[0] =
        (struct dns_query){.type = 1, .resolver = "192.0.2.53:53", .rcode = 0, .answer_count = 2};
    attempt->dns[0].answers = arena_array(arena, 2, sizeof(struct dns_answer));
    attempt->dns[0].answers[0] = (struct dns_answer){.name = "edge.example", .ttl_s = 60};
    attempt->dns[0].answers[1].name = "";
    assert_true(address_parse("203.0.113.7", &attempt->dns[0].answers[1].address));
    attempt->dns[1] = (struct dns_query){.type = 28, .resolver = "", .rcode = -1, .status = 12};
    assert_true(address_parse("2001:db8::9", &attempt->flow.destination));
    attempt->flow.destination_port = 443;
    attempt->flow.error = 104;
    attempt->flow.error_call = CALL_RECV;
    attempt->tcp[MOMENT_END] =
        (struct tcp_snapshot){.taken = true, .at_us = 5, .rtt_us = 30800, .bytes_acked = 518};
    struct evidence_tls *tls = &attempt->tls;
    tls->version = 0x0304;
    tls->sni = "www.shop.example";
    tls->record_count = 1;
    tls->records = arena_array(arena, 1, sizeof *tls->records);
    tls->records[0] =
        (struct tls_record){.received = true, .content = 21, .type = 112, .level = 2, .at_us = 44};
    tls->chain_count = 1;
    tls->chain = arena_array(arena, 1, sizeof *tls->chain);
    memset(tls->chain[0].sha256, 0xab, 32);
    tls->chain[0].parsed = tls->chain[0].ca = true;
    tls->chain[0].subject = "CN=www.shop.example";
    tls->chain[0].issuer = tls->chain[0].key_type = tls->chain[0].key_group = tls->chain[0].signature_name =
        "x";
    tls->chain[0].not_after_s = -5;
    tls->chain[0].key_bits = 256;
    tls->chain[0].san = PRESENCE_MALFORMED;
    tls->chain[0].crl_points = PRESENCE_ABSENT;
    static const char *names[] = {"www.shop.example", "192.0.2.7"};
    tls->leaf.names = names;
    tls->leaf.name_count = 2;
    tls->leaf.must_staple = true;
    tls->leaf.ocsp_url = "http://ocsp.example/";
    tls->staple = STAPLE_PRESENT;
    tls->ocsp = (struct evidence_ocsp){
        .status = OCSP_REVOKED, .revoked_s = 7, .reason = 1, .signature = SIGNATURE_BAD};
    tls->sct_tls = 3;
    tls->issuer = ISSUER_SIGNS;
    tls->issuer_url = "http://ca.example/";
    tls->responder = RESPONDER_MALFORMED;
    tls->responder_url = "http://ocsp.example/";
    tls->verify_error_count = 1;
    tls->verify_errors = arena_array(arena, 1, sizeof *tls->verify_errors);
    tls->verify_errors[0] = (struct verify_error){.code = 20, .depth = 0};
    tls->error_count = 1;
    tls->errors = arena_array(arena, 1, sizeof *tls->errors);
    tls->errors[0] = 0x0A000458;
    attempt->http.status = 502;
    attempt->http.header_count = 1;
    attempt->http.headers = arena_array(arena, 1, sizeof *attempt->http.headers);
    attempt->http.headers[0] = (struct http_header){.name = "server", .value = "nginx"};
    attempt->end.how = ENDING_RESET;
    attempt->end.abuse = ABUSE_DRIP;
    attempt->end.first_byte_count = 3;
    memcpy(attempt->end.first_bytes, "\x15\x03\x01", 3);
    return attempt;
}

static void attempts_survive(const struct attempt *a, const struct attempt *b)
{
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->variant, b->variant);
    assert_int_equal(a->role, b->role);
    assert_int_equal(b->depth, DEPTH_HELLO);
    assert_string_equal(a->agent_version, b->agent_version);
    assert_int_equal(a->engine, b->engine);
    assert_true(b->engine_again);
    assert_memory_equal(a->ca_bundle_sha256, b->ca_bundle_sha256, 32);
#define X(field, name) assert_true(a->clock.field == b->clock.field);
    EVIDENCE_STAMPS(X)
#undef X
    assert_true(a->clock.start_us == b->clock.start_us && a->clock.slot_us == b->clock.slot_us);
    assert_int_equal(b->dns_count, 2);
    assert_string_equal(b->dns[0].answers[0].name, "edge.example");
    assert_int_equal(b->dns[0].answers[1].address.length, 4);
    assert_int_equal(b->dns[1].rcode, -1);
    assert_true(address_equal(&a->flow.destination, &b->flow.destination));
    assert_int_equal(b->flow.error, 104);
    assert_int_equal(b->flow.icmp_type, -1);
    assert_true(b->tcp[MOMENT_END].taken && !b->tcp[MOMENT_HELLO].taken);
    assert_int_equal(b->tcp[MOMENT_END].bytes_acked, 518);
    assert_int_equal(b->tls.records[0].type, 112);
    assert_memory_equal(a->tls.chain[0].sha256, b->tls.chain[0].sha256, 32);
    const struct chain_certificate *leaf = &b->tls.chain[0];
    assert_true(leaf->parsed && leaf->ca && !leaf->self_signed);
    assert_string_equal(leaf->subject, "CN=www.shop.example");
    assert_true(leaf->not_after_s == -5 && leaf->key_bits == 256);
    assert_int_equal(leaf->san, PRESENCE_MALFORMED);
    assert_int_equal(leaf->crl_points, PRESENCE_ABSENT);
    assert_int_equal(leaf->aki, PRESENCE_UNKNOWN);
    assert_int_equal(b->tls.leaf.name_count, 2);
    assert_string_equal(b->tls.leaf.names[1], "192.0.2.7");
    assert_true(b->tls.leaf.must_staple);
    assert_string_equal(b->tls.leaf.ocsp_url, "http://ocsp.example/");
    assert_string_equal(b->tls.leaf.crl_url, "");
    assert_int_equal(b->tls.ocsp.status, OCSP_REVOKED);
    assert_int_equal(b->tls.ocsp.signature, SIGNATURE_BAD);
    assert_true(b->tls.ocsp.revoked_s == 7 && b->tls.ocsp.reason == 1);
    assert_int_equal(b->tls.sct_tls, 3);
    assert_int_equal(b->tls.issuer, ISSUER_SIGNS);
    assert_int_equal(b->tls.responder, RESPONDER_MALFORMED);
    assert_string_equal(b->tls.responder_url, "http://ocsp.example/");
    assert_int_equal(b->end.abuse, ABUSE_DRIP);
    assert_int_equal(b->tls.verify_errors[0].code, 20);
    assert_true(b->tls.errors[0] == 0x0A000458);
    assert_string_equal(attempt_header(b, "server"), "nginx");
    assert_int_equal(b->end.how, ENDING_RESET);
    assert_memory_equal(b->end.first_bytes, "\x15\x03\x01", 3);
}

static void a_batch_goes_there_and_back(void **state)
{
    (void)state;
    struct record records[2] = {{.kind = RECORD_ATTEMPT, .attempt = sample_attempt(5)},
                                {.kind = RECORD_ROUND_REPORT, .report = {6, 8141, 4, 1, 2, 3, 0, NULL}}};
    struct dropped_at dropped[2] = {{7, 2}, {UINT64_MAX, 1}};
    records[1].report.dropped_at = dropped;
    records[1].report.dropped_at_count = 2;
    struct message message = {.kind = MESSAGE_BATCH, .batch = {2, records}};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct message back = there_and_back(&message, &arena);
    assert_int_equal(back.batch.count, 2);
    attempts_survive(records[0].attempt, back.batch.records[0].attempt);
    const struct round_report *report = &back.batch.records[1].report;
    assert_int_equal(report->dropped, 3);
    assert_int_equal(report->dropped_at_count, 2);
    assert_true(report->dropped_at[0].endpoint_id == 7 && report->dropped_at[0].count == 2);
    assert_true(report->dropped_at[1].endpoint_id == UINT64_MAX && report->dropped_at[1].count == 1);
    assert_int_equal(record_sequence(&back.batch.records[1]), 6);
    message_done(&back);
    arena_done(&arena);
    record_done(&records[0]);
}

/* There is no chain in it, and no staple; and a third party that is not reached is named all the same. */
static void what_a_responder_says_goes_there_and_back(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->sequence = 5;
    attempt->variant = VARIANT_OCSP;
    attempt->tls.responder = RESPONDER_ANSWERED;
    attempt->tls.responder_url = "http://ocsp.example/";
    attempt->tls.ocsp = (struct evidence_ocsp){.status = OCSP_REVOKED,
                                               .produced_s = 5,
                                               .next_update_s = 9,
                                               .revoked_s = 4,
                                               .reason = 1,
                                               .signature = SIGNATURE_GOOD};
    struct record record = {.kind = RECORD_ATTEMPT, .attempt = attempt};
    struct message message = {.kind = MESSAGE_BATCH, .batch = {1, &record}};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct message back = there_and_back(&message, &arena);
    const struct attempt *b = back.batch.records[0].attempt;
    assert_int_equal(b->variant, VARIANT_OCSP);
    assert_int_equal(b->tls.responder, RESPONDER_ANSWERED);
    assert_int_equal(b->tls.staple, STAPLE_UNKNOWN);
    assert_int_equal(b->tls.ocsp.status, OCSP_REVOKED);
    assert_int_equal(b->tls.ocsp.signature, SIGNATURE_GOOD);
    assert_true(b->tls.ocsp.produced_s == 5 && b->tls.ocsp.next_update_s == 9 && b->tls.ocsp.reason == 1);
    message_done(&back);
    arena_done(&arena);
    record_done(&record);
}

static void a_batch_of_encoded_records_is_the_same_batch(void **state)
{
    (void)state;
    struct record records[2] = {{.kind = RECORD_ATTEMPT, .attempt = sample_attempt(5)},
                                {.kind = RECORD_ROUND_REPORT, .report = {6, 8141, 4, 1, 2, 3}}};
    struct message message = {.kind = MESSAGE_BATCH, .batch = {2, records}};
    struct buf encoded[2], whole, assembled;
    buf_init(&whole, 0);
    buf_init(&assembled, 0);
    struct bytes bytes[2];
    for (int i = 0; i < 2; i++) {
        buf_init(&encoded[i], 0);
        assert_true(record_encode(&records[i], &encoded[i]));
        bytes[i] = (struct bytes){encoded[i].data, encoded[i].len};
    }
    assert_true(message_encode(&message, &whole));
    assert_true(message_encode_batch(bytes, 2, &assembled));
    assert_int_equal(whole.len, assembled.len);
    assert_memory_equal(whole.data, assembled.data, whole.len);
    buf_done(&encoded[0]);
    buf_done(&encoded[1]);
    buf_done(&whole);
    buf_done(&assembled);
    record_done(&records[0]);
}

static void lists_and_rounds_go_there_and_back(void **state)
{
    (void)state;
    struct endpoint endpoints[2] = {
        {.id = 7, .site = "shop", .host = "www.shop.example", .port = 443, .sni = "", .role = ROLE_EDGE},
        {.id = 8,
         .site = "shop",
         .host = "www.shop.example",
         .port = 8443,
         .sni = "",
         .role = ROLE_ORIGIN,
         .fetch = FETCH_OCSP,
         .depth = DEPTH_HELLO},
    };
    assert_true(address_parse("203.0.113.10", &endpoints[1].address));
    struct message message = {.kind = MESSAGE_LIST, .list = {.count = 2, .endpoints = endpoints}};
    assert_true(endpoint_list_seal(&message.list));
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct message back = there_and_back(&message, &arena);
    assert_int_equal(back.list.count, 2);
    assert_memory_equal(back.list.sha256, message.list.sha256, 32);
    assert_string_equal(back.list.endpoints[1].host, "www.shop.example");
    assert_int_equal(back.list.endpoints[1].role, ROLE_ORIGIN);
    assert_int_equal(back.list.endpoints[0].fetch, 0);
    assert_int_equal(back.list.endpoints[1].fetch, FETCH_OCSP);
    assert_int_equal(back.list.endpoints[0].depth, DEPTH_FULL);
    assert_int_equal(back.list.endpoints[1].depth, DEPTH_HELLO);
    assert_int_equal(back.list.endpoints[1].address.length, 4);

    /* Who does not know depths keeps one among what it does not know, and gets the same hash. */
    struct endpoint_list older = {.count = 2, .endpoints = endpoints};
    endpoints[1].depth = DEPTH_FULL;
    assert_true(endpoint_list_seal(&older));
    assert_memory_not_equal(older.sha256, message.list.sha256, 32);
    endpoints[1].fetch |= 1 << 8;
    assert_true(endpoint_list_seal(&older));
    assert_memory_equal(older.sha256, message.list.sha256, 32);
    endpoints[1].fetch = FETCH_OCSP | 1 << 20; /* and so do we with what comes after us */
    endpoints[1].depth = DEPTH_HELLO;
    assert_true(endpoint_list_seal(&message.list));
    back = there_and_back(&message, &arena);
    assert_memory_equal(back.list.sha256, message.list.sha256, 32);
    assert_int_equal(back.list.endpoints[1].fetch, FETCH_OCSP | 1 << 20);
    assert_int_equal(back.list.endpoints[1].depth, DEPTH_HELLO);

    struct message round = {
        .kind = MESSAGE_ROUND,
        .round = {.round_id = 3, .start_us = 99, .spread_us = 5, .timeout_us = 10, .now = true}};
    memcpy(round.round.list_sha256, message.list.sha256, 32);
    struct message round_back = there_and_back(&round, &arena);
    assert_true(round_back.round.round_id == 3 && round_back.round.start_us == 99 && round_back.round.now);
    arena_done(&arena);
}

static void the_small_messages_go_there_and_back(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    uint8_t hashes[2][32] = {{1}, {2}};
    struct bytes der[1] = {{(const uint8_t *)"\x30\x00", 2}};
    struct message messages[] = {
        {.kind = MESSAGE_HELLO, .hello = {1, "0.1.0", "OpenSSL 3", 77, 5, "vps"}},
        {.kind = MESSAGE_WELCOME, .welcome = {1, "hk-1", 76, "0.1.0"}},
        {.kind = MESSAGE_PING, .ping = {123}},
        {.kind = MESSAGE_PONG, .pong = {123, -5, 6}},
        {.kind = MESSAGE_ACK, .ack = {76}},
        {.kind = MESSAGE_LIST_WANTED, .list_wanted = {{9}}},
        {.kind = MESSAGE_CERTIFICATES_WANTED, .certificates_wanted = {2, hashes}},
        {.kind = MESSAGE_CERTIFICATES, .certificates = {1, der}},
        {.kind = MESSAGE_GOODBYE, .goodbye = {GOODBYE_REVOKED, "revoked"}},
        {.kind = MESSAGE_ENROL_REQUEST,
         .enrol_request = {"plx1.a.b", {(const uint8_t *)"csr", 3}, "0.1.0", "vps"}},
        {.kind = MESSAGE_ENROL_ANSWER,
         .enrol_answer = {{(const uint8_t *)"cert", 4}, {(const uint8_t *)"ca", 2}, "hk-1"}},
        {.kind = MESSAGE_RENEW_REQUEST, .renew_request = {{(const uint8_t *)"csr2", 4}}},
        {.kind = MESSAGE_RENEW_ANSWER, .renew_answer = {{(const uint8_t *)"cert2", 5}}},
        {.kind = MESSAGE_PACKED, .packed = {{(const uint8_t *)"zstd", 4}, {(const uint8_t *)"noise", 5}}},
    };
    struct message back[sizeof messages / sizeof messages[0]];
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        back[i] = there_and_back(&messages[i], &arena);
    assert_int_equal(back[0].hello.spooled, 5);
    assert_string_equal(back[1].welcome.vantage, "hk-1");
    assert_true(back[3].pong.received_us == -5);
    assert_int_equal(back[6].certificates_wanted.sha256[1][0], 2);
    assert_int_equal(back[7].certificates.der[0].length, 2);
    assert_int_equal(back[8].goodbye.reason, GOODBYE_REVOKED);
    assert_memory_equal(back[9].enrol_request.csr_der.data, "csr", 3);
    assert_string_equal(back[10].enrol_answer.vantage, "hk-1");
    assert_memory_equal(back[13].packed.zstd.data, "zstd", 4);
    assert_int_equal(back[13].packed.noise.length, 5);
    assert_memory_equal(back[13].packed.noise.data, "noise", 5);
    assert_int_equal(back[11].renew_request.csr_der.length, 4);
    assert_memory_equal(back[11].renew_request.csr_der.data, "csr2", 4);
    assert_memory_equal(back[12].renew_answer.certificate_pem.data, "cert2", 5);
    arena_done(&arena);
}

static void refused(const struct message *message, const char *expected)
{
    struct buf wire;
    struct arena arena;
    struct message back;
    const char *why = "";
    buf_init(&wire, 0);
    arena_init(&arena, 1 << 20);
    assert_true(message_encode(message, &wire));
    if (message_decode(wire.data, wire.len, &arena, &back, &why))
        fail_msg("taken, expected: %s", expected);
    assert_string_equal(why, expected);
    arena_done(&arena);
    buf_done(&wire);
}

static void broken_rules_are_named(void **state)
{
    (void)state;
    struct record records[2] = {{.kind = RECORD_ATTEMPT, .attempt = sample_attempt(6)},
                                {.kind = RECORD_ROUND_REPORT, .report = {.sequence = 6, .round_id = 1}}};
    struct message batch = {.kind = MESSAGE_BATCH, .batch = {2, records}};
    refused(&batch, "sequences of a batch do not ascend");
    records[0].attempt->sequence = 5;
    records[0].attempt->endpoint_id = UINT64_C(1) << 63;
    refused(&batch, "an id is out of range");
    records[0].attempt->endpoint_id = 7;
    records[0].attempt->clock.closed_us = INT64_C(4000) * 1000000;
    refused(&batch, "a stamp is more than an hour after the start");
    struct dropped_at *many = calloc(MESSAGE_MAX_DROPPED_AT + 1, sizeof *many);
    assert_non_null(many);
    for (size_t i = 0; i <= MESSAGE_MAX_DROPPED_AT; i++)
        many[i] = (struct dropped_at){INT64_MAX, 1};
    struct record counts = {
        .kind = RECORD_ROUND_REPORT,
        .report = {.sequence = 9, .dropped_at_count = MESSAGE_MAX_DROPPED_AT + 1, .dropped_at = many}};
    struct message told = {.kind = MESSAGE_BATCH, .batch = {1, &counts}};
    refused(&told, "a round report counts dropped results of too many endpoints");
    record_done(&counts);
    records[0].attempt->clock.closed_us = EVIDENCE_NEVER;
    records[0].attempt->http.status = 1000;
    refused(&batch, "an HTTP status is above 999");
    record_done(&records[0]);

    struct endpoint endpoint = {.id = 1, .site = "", .host = "ho st", .port = 443, .sni = ""};
    struct message list = {.kind = MESSAGE_LIST, .list = {.count = 1, .endpoints = &endpoint}};
    assert_true(endpoint_list_seal(&list.list));
    refused(&list, "an endpoint's host is neither a name nor an address");
    endpoint.host = "host";
    refused(&list, "an endpoint list does not match its hash");
    struct message round = {.kind = MESSAGE_ROUND, .round = {.round_id = 3, .timeout_us = 0}};
    refused(&round, "a round's spread or timeout is out of range");
}

/* Every prefix of a real message, and every message with one byte changed, is taken or refused; never worse.
 */
static void damaged_bytes_do_no_harm(void **state)
{
    (void)state;
    struct record records[1] = {{.kind = RECORD_ATTEMPT, .attempt = sample_attempt(5)}};
    struct message message = {.kind = MESSAGE_BATCH, .batch = {1, records}};
    struct buf wire;
    buf_init(&wire, 0);
    assert_true(message_encode(&message, &wire));
    for (size_t i = 0; i < wire.len * 9; i++) {
        size_t at = i % wire.len, length = i < wire.len ? at : wire.len;
        uint8_t *copy = malloc(length + 1);
        assert_non_null(copy);
        memcpy(copy, wire.data, length);
        if (i >= wire.len)
            copy[at] = (uint8_t)(copy[at] ^ 1U << (i / wire.len - 1));
        struct arena arena;
        struct message back;
        const char *why = NULL;
        arena_init(&arena, 1 << 20);
        if (message_decode(copy, length, &arena, &back, &why))
            message_done(&back);
        else
            assert_non_null(why);
        arena_done(&arena);
        free(copy);
    }
    buf_done(&wire);
    record_done(&records[0]);
}

/* Four bytes on the wire ask for an attempt each: a frame full of them is refused, not unpacked. */
static void small_bytes_cannot_ask_for_much_memory(void **state)
{
    (void)state;
    enum { RECORDS = 500000 };
    struct buf wire;
    struct bytes *records = calloc(RECORDS, sizeof *records);
    assert_non_null(records);
    for (size_t i = 0; i < RECORDS; i++)
        records[i] = (struct bytes){(const uint8_t *)"\x0a\x00", 2};
    buf_init(&wire, 0);
    assert_true(message_encode_batch(records, RECORDS, &wire));
    struct arena arena;
    struct message back;
    const char *why = "";
    arena_init(&arena, 1 << 20);
    assert_false(message_decode(wire.data, wire.len, &arena, &back, &why));
    assert_string_equal(why, "too many records in a batch");
    arena_done(&arena);
    buf_done(&wire);
    free(records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_goes_there_and_back),
        cmocka_unit_test(what_a_responder_says_goes_there_and_back),
        cmocka_unit_test(a_batch_of_encoded_records_is_the_same_batch),
        cmocka_unit_test(lists_and_rounds_go_there_and_back),
        cmocka_unit_test(the_small_messages_go_there_and_back),
        cmocka_unit_test(broken_rules_are_named),
        cmocka_unit_test(damaged_bytes_do_no_harm),
        cmocka_unit_test(small_bytes_cannot_ask_for_much_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
