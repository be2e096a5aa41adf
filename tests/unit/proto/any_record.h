#ifndef PARALLAX_TESTS_ANY_RECORD_H
#define PARALLAX_TESTS_ANY_RECORD_H

#include "cmocka_all.h"

#include "words/message.h"

#include <string.h>

/* Encoded records as an agent's spool holds them: what attempts at a few endpoints are from round to round, and what no agent makes. */

static uint64_t any_state = 1;

static uint64_t any(uint64_t below)
{
    any_state = any_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (any_state >> 33) % below;
}

static void any_bytes(uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)any(256);
}

static void any_log(struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    tls->record_count = 9;
    tls->records = arena_array(&attempt->arena, tls->record_count, sizeof *tls->records);
    for (size_t i = 0; i < tls->record_count; i++)
        tls->records[i] = (struct tls_record){.received = i > 0,
                                              .content = 22,
                                              .type = (uint8_t)i,
                                              .length = (uint32_t)(80 + i + any(2)),
                                              .at_us = attempt->clock.hello_sent_us + (int64_t)(i * 20)};
    tls->chain_count = 2;
    tls->chain = arena_array(&attempt->arena, tls->chain_count, sizeof *tls->chain);
    for (size_t i = 0; i < tls->chain_count; i++) {
        tls->chain[i] =
            (struct chain_certificate){.parsed = true, .key_bits = 256, .not_after_s = 1795169564};
        tls->chain[i].subject = arena_text(&attempt->arena, "CN=www.wire.example", 19);
        tls->chain[i].issuer = tls->chain[i].key_type = tls->chain[i].key_group =
            tls->chain[i].signature_name = "EC";
        memset(tls->chain[i].sha256, (int)(attempt->endpoint_id * 2 + i), 32);
    }
}

static struct attempt *any_healthy(uint64_t endpoint_id, uint64_t round_id, uint64_t sequence)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->sequence = sequence;
    attempt->round_id = round_id;
    attempt->endpoint_id = endpoint_id;
    attempt->agent_version = "0.1.0";
    attempt->tls_library = "OpenSSL 3.0";
    attempt->hello_profile = "normal";
    memset(attempt->ca_bundle_sha256, 7, sizeof attempt->ca_bundle_sha256);
    attempt->clock.slot_us = INT64_C(1795169564000000) + (int64_t)(round_id * 10000000 + endpoint_id * 50001);
    attempt->clock.start_us = attempt->clock.slot_us + (int64_t)any(300);
    attempt->clock.start_error_us = 100 + any(20);
    attempt->clock.loop_lag_us = any(3);
    attempt->clock.connect_us = (int64_t)any(30);
    attempt->clock.connected_us = attempt->clock.connect_us + 200 + (int64_t)any(50);
    attempt->clock.hello_sent_us = attempt->clock.connected_us + 30;
    attempt->clock.first_byte_us = attempt->clock.hello_sent_us + 500 + (int64_t)any(90);
    attempt->clock.handshake_us = attempt->clock.first_byte_us + 90;
    attempt->clock.request_us = attempt->clock.handshake_us + 3;
    assert_true(address_parse("127.20.0.9", &attempt->flow.destination));
    attempt->flow.destination.bytes[3] = (uint8_t)endpoint_id;
    attempt->flow.source_port = (uint16_t)any(65536);
    for (int i = 0; i < EVIDENCE_MAX_TCP_INFO; i++)
        attempt->tcp[i] = (struct tcp_snapshot){.taken = true,
                                                .at_us = attempt->clock.connected_us + 7 * i,
                                                .rtt_us = (uint32_t)any(100),
                                                .bytes_received = any(2)};
    attempt->tls.version = 0x0304;
    attempt->tls.sni = "www.wire.example";
    any_log(attempt);
    attempt->http.status = 200;
    attempt->end.how = ENDING_BY_US;
    attempt->end.first_byte_count = sizeof attempt->end.first_bytes;
    any_bytes(attempt->end.first_bytes, sizeof attempt->end.first_bytes);
    memcpy(attempt->end.first_bytes, "\x16\x03\x03\0\x7a\2", 6);
    return attempt;
}

/** Appends an encoded record. */
static inline void any_attempt(uint64_t endpoint_id, uint64_t round_id, uint64_t sequence, struct buf *out)
{
    struct record record = {.kind = RECORD_ATTEMPT, .attempt = any_healthy(endpoint_id, round_id, sequence)};
    assert_true(record_encode(&record, out));
    record_done(&record);
}

static inline void any_report(uint64_t round_id, uint64_t sequence, struct buf *out)
{
    struct dropped_at at[] = {{.endpoint_id = 7, .count = 2}, {.count = 1}};
    struct record record = {
        .kind = RECORD_ROUND_REPORT,
        .report = {.sequence = sequence, .round_id = round_id, .attempts = (uint32_t)any(9)}};
    if (any(2) == 0) {
        record.report.dropped_at_count = 2;
        record.report.dropped_at = at;
    }
    assert_true(record_encode(&record, out));
}

/** What a few changed bytes make of a record. */
static inline void any_damage(struct buf *record)
{
    for (uint64_t times = 1 + any(4); times > 0; times--)
        record->data[any(record->len)] = (uint8_t)any(256);
    if (any(8) == 0)
        record->len = any(record->len);
}

#endif
