#include "crowd_attempt.h"

#include "link/pki.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bytes certificates[2];
static uint8_t hashes[2][32];

static void die(const char *what)
{
    (void)fprintf(stderr, "bench-crowd: %s\n", what);
    exit(3);
}

void crowd_certificates(void)
{
    char *why = NULL;
    EVP_PKEY *ca_key = pki_key_new(&why), *key = pki_key_new(&why);
    X509 *ca = pki_ca_new(ca_key, "Crowd CA", 30, &why);
    X509 *leaf = ca == NULL ? NULL : pki_sign(ca, ca_key, key, PKI_SERVER, "crowd.example", 86400, &why);
    if (leaf == NULL)
        die(why == NULL ? "out of memory" : why);
    X509 *both[] = {leaf, ca};
    for (size_t i = 0; i < 2; i++) {
        unsigned char *der = NULL;
        int length = i2d_X509(both[i], &der);
        if (length <= 0)
            die("no certificate");
        certificates[i] = (struct bytes){der, (size_t)length};
        (void)SHA256(der, (size_t)length, hashes[i]);
        X509_free(both[i]);
    }
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

struct bytes crowd_certificate(const uint8_t sha256[32])
{
    for (size_t i = 0; i < 2; i++)
        if (memcmp(sha256, hashes[i], 32) == 0)
            return certificates[i];
    return (struct bytes){0};
}

/* The same numbers in every run. */
static uint32_t noise(uint32_t below)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(state >> 8) * below >> 24);
}

static void *take(struct attempt *attempt, size_t count, size_t size)
{
    void *taken = arena_array(&attempt->arena, count, size);
    if (taken == NULL)
        die("out of memory");
    return taken;
}

static void fill_chain(struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    tls->chain_count = 2;
    tls->chain = take(attempt, tls->chain_count, sizeof *tls->chain);
    for (size_t i = 0; i < 2; i++) {
        struct chain_certificate *certificate = &tls->chain[i];
        memcpy(certificate->sha256, hashes[i], 32);
        certificate->parsed = true;
        certificate->subject = i == 0 ? "CN=crowd.example" : "CN=Crowd CA";
        certificate->issuer = "CN=Crowd CA";
        certificate->key_type = "EC";
        certificate->key_group = "prime256v1";
        certificate->signature_name = "ecdsa-with-SHA256";
        certificate->key_bits = 256;
        certificate->not_before_s = 1760000000;
        certificate->not_after_s = 1767776000;
        certificate->san = i == 0 ? PRESENCE_PRESENT : PRESENCE_ABSENT;
        certificate->ca = i == 1;
    }
    tls->leaf.name_count = 1;
    tls->leaf.names = take(attempt, 1, sizeof *tls->leaf.names);
    tls->leaf.names[0] = tls->leaf.common_name = "crowd.example";
    tls->has_san = true;
}

static void fill_tls(struct attempt *attempt)
{
    /* handshake messages of TLS 1.3, in their order: sent, content, type, bytes */
    static const struct {
        uint8_t received, content, type;
        uint32_t length;
    } messages[] = {{0, 22, 1, 512},  {1, 22, 2, 90},  {1, 20, 1, 1},  {1, 22, 8, 25}, {1, 22, 11, 1120},
                    {1, 22, 15, 79},  {1, 22, 20, 36}, {0, 20, 1, 1},  {0, 22, 20, 36}, {1, 22, 4, 265},
                    {1, 22, 4, 265},  {1, 21, 0, 2}};
    struct evidence_tls *tls = &attempt->tls;
    tls->version = 0x0304;
    tls->cipher = 0x1302;
    tls->group = 29;
    tls->signature = 0x0403;
    tls->alpn = "http/1.1";
    tls->sni = "crowd.example";
    tls->hello_length = 517;
    tls->state = 1;
    tls->staple = STAPLE_ABSENT;
    tls->session_ticket = true;
    tls->record_count = sizeof messages / sizeof messages[0];
    tls->records = take(attempt, tls->record_count, sizeof *tls->records);
    int64_t at_us = attempt->clock.connected_us;
    for (size_t i = 0; i < tls->record_count; i++) {
        at_us += i == 1 || i == 11 ? 31000 + noise(2000) : 5 + noise(200);
        tls->records[i] = (struct tls_record){.received = messages[i].received,
                                              .content = messages[i].content,
                                              .type = messages[i].type,
                                              .length = messages[i].length,
                                              .at_us = at_us};
    }
    fill_chain(attempt);
}

static void fill_http(struct attempt *attempt)
{
    static const struct http_header headers[] = {{"server", "nginx"},
                                                 {"date", "Sat, 21 Nov 2026 08:00:00 GMT"},
                                                 {"content-type", "text/html"},
                                                 {"content-length", "612"},
                                                 {"connection", "close"}};
    attempt->http.status = 200;
    attempt->http.reason = "OK";
    attempt->http.header_count = sizeof headers / sizeof headers[0];
    attempt->http.headers = take(attempt, attempt->http.header_count, sizeof *attempt->http.headers);
    memcpy(attempt->http.headers, headers, sizeof headers);
}

static void fill_tcp(struct attempt *attempt)
{
    for (size_t i = 0; i < sizeof attempt->tcp / sizeof attempt->tcp[0]; i++)
        attempt->tcp[i] = (struct tcp_snapshot){.taken = true,
                                                .at_us = attempt->clock.connected_us + (int64_t)(31000 * i),
                                                .state = 1,
                                                .rtt_us = 30800 + noise(3000),
                                                .min_rtt_us = 30700 + noise(300),
                                                .bytes_acked = 518 + 100 * i,
                                                .bytes_received = 2100 * i,
                                                .segs_in = (uint32_t)(2 + 3 * i),
                                                .data_segs_in = (uint32_t)(3 * i),
                                                .snd_mss = 1448,
                                                .pmtu = 1500,
                                                .segs_out = (uint32_t)(3 + 2 * i)};
}

struct attempt *crowd_attempt(const struct round_plan *plan, const struct endpoint *endpoint)
{
    static const int64_t steps_us[] = {0, 100, 30900, 100, 31000, 3000, 200, 32000, 200};
    struct attempt *attempt = attempt_new();
    if (attempt == NULL)
        die("out of memory");
    attempt->round_id = plan->round_id;
    attempt->endpoint_id = endpoint->id;
    attempt->agent_version = PARALLAX_VERSION;
    attempt->tls_library = "OpenSSL 3.0";
    attempt->hello_profile = "normal";
    memset(attempt->ca_bundle_sha256, 0x5a, sizeof attempt->ca_bundle_sha256);
    attempt->clock.slot_us = round_slot_us(plan, endpoint->id);
    attempt->clock.start_us = attempt->clock.slot_us + 400 + noise(400);
    attempt->clock.start_error_us = 300 + noise(20);
    attempt->clock.loop_lag_us = noise(200);
    int64_t *stamps[] = {
        &attempt->clock.resolved_us,   &attempt->clock.connect_us,    &attempt->clock.connected_us,
        &attempt->clock.hello_sent_us, &attempt->clock.first_byte_us, &attempt->clock.handshake_us,
        &attempt->clock.request_us,    &attempt->clock.first_data_us, &attempt->clock.closed_us};
    int64_t at_us = 0;
    for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++)
        *stamps[i] = at_us += steps_us[i] + (i == 0 ? 0 : noise(400));
    attempt->flow.destination = endpoint->address;
    attempt->flow.destination_port = endpoint->port;
    attempt->flow.source_port = (uint16_t)(32768 + noise(28000));
    fill_tcp(attempt);
    fill_tls(attempt);
    fill_http(attempt);
    attempt->end = (struct evidence_end){.how = ENDING_CLOSE_NOTIFY, .sent_bytes = 700, .received_bytes = 2900};
    return attempt;
}
