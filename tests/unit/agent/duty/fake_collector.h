#ifndef PARALLAX_TEST_FAKE_COLLECTOR_H
#define PARALLAX_TEST_FAKE_COLLECTOR_H

#include "link/channel.h"
#include "link/clock.h"
#include "proto/link/link_fixture.h"

#include <stdlib.h>
#include <string.h>

/* As much of a collector as an agent can tell: welcomes, answers pings, acks batches, hands out lists, enrols. */
struct fake {
    uv_loop_t *loop;
    uv_tcp_t listener;
    uint16_t port;
    struct fixture pki;
    struct channel *channel; /* the latest; NULL when there is none */
    /* how it behaves */
    int64_t ahead_us; /* its clock before ours */
    uint64_t committed;
    bool acks;
    bool commits; /* what has come: a welcome says so */
    uint64_t ack_extra;
    bool closes_on_batch;
    struct endpoint_list *list;
    struct round_plan *plan;     /* sent after the first pong */
    enum goodbye_reason refuses; /* GOODBYE_OTHER: does not */
    const char *token;
    const struct fixture *liar; /* signs in place of its own CA */
    const uint8_t (*wants)[32];
    size_t want_count;
    uint32_t says_history, keeps_history; /* of packed batches */
    bool closes_on_hello;
    bool closes_on_renew; /* as when the collector dies between its commit and its answer */
    /* what it saw */
    int messages, renewals;
    uint8_t shown[32]; /* the latest certificate of an agent */
    int sessions, pings, batches, lists_wanted, certificates, goodbyes;
    enum goodbye_reason goodbye;
    struct record records[256];
    size_t record_count;
};

static inline void fake_send(struct fake *fake, struct message message)
{
    (void)channel_send(fake->channel, &message);
}

static inline void fake_enrol(struct fake *fake, const struct message *message)
{
    char *why = NULL;
    size_t lengths[2] = {0};
    if (strcmp(message->enrol_request.token, fake->token) != 0) {
        fake_send(fake, (struct message){.kind = MESSAGE_GOODBYE,
                                         .goodbye = {GOODBYE_TOKEN, "the token was used"}});
        channel_close(fake->channel);
        return;
    }
    EVP_PKEY *key =
        pki_csr_key(message->enrol_request.csr_der.data, message->enrol_request.csr_der.length, &why);
    const struct fixture *pki = fake->liar != NULL ? fake->liar : &fake->pki;
    X509 *certificate = pki_sign(pki->ca, pki->ca_key, key, PKI_VANTAGE, "hk-1", 86400, &why);
    char *pem = pki_certificate_pem(certificate, &lengths[0], &why);
    char *ca = pki_certificate_pem(pki->ca, &lengths[1], &why);
    struct message answer = {.kind = MESSAGE_ENROL_ANSWER,
                             .enrol_answer = {.certificate_pem = {(const uint8_t *)pem, lengths[0]},
                                              .ca_pem = {(const uint8_t *)ca, lengths[1]},
                                              .vantage = "hk-1"}};
    fake_send(fake, answer);
    free(pem);
    free(ca);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static inline void fake_renew(struct fake *fake, const struct message *message)
{
    char *why = NULL;
    size_t length = 0;
    fake->renewals++;
    if (fake->closes_on_renew) {
        channel_close(fake->channel);
        return;
    }
    EVP_PKEY *key =
        pki_csr_key(message->renew_request.csr_der.data, message->renew_request.csr_der.length, &why);
    X509 *certificate = pki_sign(fake->pki.ca, fake->pki.ca_key, key, PKI_VANTAGE, "hk-1", 86400, &why);
    char *pem = pki_certificate_pem(certificate, &length, &why);
    fake_send(fake, (struct message){.kind = MESSAGE_RENEW_ANSWER,
                                     .renew_answer = {.certificate_pem = {(const uint8_t *)pem, length}}});
    free(pem);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static inline void fake_batch(struct fake *fake, struct message *message)
{
    fake->batches++;
    uint64_t last = 0;
    for (size_t i = 0; i < message->batch.count; i++) {
        assert_true(record_sequence(&message->batch.records[i]) > last);
        last = record_sequence(&message->batch.records[i]);
        if (fake->record_count == sizeof fake->records / sizeof *fake->records)
            continue;
        fake->records[fake->record_count++] = message->batch.records[i];
        message->batch.records[i] = (struct record){0};
    }
    if (fake->commits)
        fake->committed = last;
    if (fake->closes_on_batch)
        channel_close(fake->channel);
    else if (fake->acks)
        fake_send(fake, (struct message){.kind = MESSAGE_ACK, .ack = {.committed = last + fake->ack_extra}});
}

static inline void fake_ping(struct fake *fake, const struct message *message)
{
    int64_t now_us = clock_wall_us() + fake->ahead_us;
    fake->pings++;
    fake_send(fake, (struct message){.kind = MESSAGE_PONG, .pong = {message->ping.sent_us, now_us, now_us}});
    if (fake->plan != NULL)
        fake_send(fake, (struct message){.kind = MESSAGE_ROUND, .round = *fake->plan});
    fake->plan = NULL;
}

static inline void fake_hello(struct fake *fake)
{
    if (fake->closes_on_hello) {
        channel_close(fake->channel);
        return;
    }
    if (fake->refuses != GOODBYE_OTHER) {
        fake_send(fake, (struct message){.kind = MESSAGE_GOODBYE, .goodbye = {fake->refuses, "no"}});
        channel_close(fake->channel);
        return;
    }
    channel_pack_history(fake->channel, 0, fake->keeps_history);
    fake_send(fake, (struct message){
                        .kind = MESSAGE_WELCOME,
                        .welcome = {LINK_PROTOCOL, "hk-1", fake->committed, "test", fake->says_history}});
    if (fake->want_count > 0)
        fake_send(fake,
                  (struct message){.kind = MESSAGE_CERTIFICATES_WANTED,
                                   .certificates_wanted = {fake->want_count, (uint8_t(*)[32])fake->wants}});
}

static inline void fake_message(struct channel *channel, struct message *message, void *arg)
{
    struct fake *fake = arg;
    fake->channel = channel;
    fake->messages++;
    if (message->kind == MESSAGE_HELLO)
        fake_hello(fake);
    else if (message->kind == MESSAGE_PING)
        fake_ping(fake, message);
    else if (message->kind == MESSAGE_BATCH)
        fake_batch(fake, message);
    else if (message->kind == MESSAGE_ENROL_REQUEST)
        fake_enrol(fake, message);
    else if (message->kind == MESSAGE_RENEW_REQUEST)
        fake_renew(fake, message);
    else if (message->kind == MESSAGE_CERTIFICATES)
        fake->certificates += (int)message->certificates.count;
    else if (message->kind == MESSAGE_GOODBYE)
        fake->goodbyes++, fake->goodbye = message->goodbye.reason;
    else if (message->kind == MESSAGE_LIST_WANTED) {
        fake->lists_wanted++;
        assert_memory_equal(message->list_wanted.sha256, fake->list->sha256, 32);
        fake_send(fake, (struct message){.kind = MESSAGE_LIST, .list = *fake->list});
    }
}

static inline void fake_open(struct channel *channel, void *arg)
{
    struct fake *fake = arg;
    X509 *certificate = channel_peer_certificate(channel);
    fake->channel = channel;
    fake->sessions++;
    if (certificate != NULL)
        assert_true(pki_fingerprint(certificate, fake->shown));
}

static inline void fake_closed(struct channel *channel, enum channel_failure failure, const char *why,
                               void *arg)
{
    struct fake *fake = arg;
    (void)failure, (void)why;
    if (fake->channel == channel)
        fake->channel = NULL;
}

static inline void fake_connection(uv_stream_t *listener, int status)
{
    static const struct channel_handlers handlers = {
        .on_open = fake_open, .on_message = fake_message, .on_closed = fake_closed};
    struct fake *fake = listener->data;
    assert_int_equal(status, 0);
    bool waits = true;
    while (waits)
        (void)channel_accept(listener, fake->pki.server_context, &channel_default_limits, &handlers, fake,
                             &waits);
}

static inline void fake_init(struct fake *fake, uv_loop_t *loop)
{
    struct sockaddr_in any;
    struct sockaddr_storage bound;
    int length = sizeof bound;
    struct address address;
    *fake = (struct fake){.loop = loop, .acks = true, .token = ""};
    fixture_init(&fake->pki);
    assert_int_equal(uv_tcp_init(loop, &fake->listener), 0);
    uv_ip4_addr("127.0.0.1", 0, &any);
    assert_int_equal(uv_tcp_bind(&fake->listener, (struct sockaddr *)&any, 0), 0);
    fake->listener.data = fake;
    assert_int_equal(uv_listen((uv_stream_t *)&fake->listener, 8, fake_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&fake->listener, (struct sockaddr *)&bound, &length), 0);
    assert_true(address_from_sockaddr((struct sockaddr *)&bound, &address, &fake->port));
}

/* After uv_close of the listener and the last turn of the loop. */
static inline void fake_done(struct fake *fake)
{
    for (size_t i = 0; i < fake->record_count; i++)
        record_done(&fake->records[i]);
    fixture_done(&fake->pki);
}

#endif
