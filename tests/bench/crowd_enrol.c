#include "crowd_parts.h"
#include "link/pki.h"
#include "words/units.h"

#include <stdio.h>

/* A token for a certificate. */

static void on_enrol_message(struct channel *channel, struct message *message, void *arg)
{
    struct member *member = arg;
    char *why = NULL;
    if (message->kind == MESSAGE_GOODBYE && member->context == NULL)
        die(message->goodbye.text);
    if (message->kind != MESSAGE_ENROL_ANSWER)
        return;
    struct bytes pem = message->enrol_answer.certificate_pem, ca = message->enrol_answer.ca_pem;
    X509 *certificate = pki_certificate_from_pem(pem.data, pem.length, &why);
    if (crowd.ca == NULL)
        crowd.ca = pki_certificate_from_pem(ca.data, ca.length, &why);
    if (certificate != NULL && crowd.ca != NULL)
        member->context = pki_client_context(crowd.ca, certificate, member->key, &why);
    X509_free(certificate);
    if (member->context == NULL)
        die_of(why);
    channel_close(channel);
}

static void on_enrol_open(struct channel *channel, void *arg)
{
    struct member *member = arg;
    char *why = NULL;
    int length = 0;
    unsigned char *csr = pki_csr_der(member->key, &length, &why);
    struct message request = {.kind = MESSAGE_ENROL_REQUEST,
                              .enrol_request = {.token = member->token,
                                                .csr_der = {csr, (size_t)length},
                                                .agent_version = PARALLAX_VERSION,
                                                .hostname = "crowd"}};
    if (csr == NULL)
        die_of(why);
    (void)channel_send(channel, &request);
    OPENSSL_free(csr);
}

static void on_enrol_closed(struct channel *channel, enum channel_failure failure, const char *why, void *arg)
{
    struct member *member = arg;
    (void)channel, (void)failure;
    member->channel = NULL;
    crowd.under_way--;
    if (member->context == NULL)
        (void)fprintf(stderr, "bench-crowd: not enrolled: %s\n", why);
    member->stage = member->context == NULL ? NO_IDENTITY : ENROLLED;
    advance();
}

void member_enrol(struct member *member)
{
    static const struct channel_handlers handlers = {
        .on_open = on_enrol_open, .on_message = on_enrol_message, .on_closed = on_enrol_closed};
    static SSL_CTX *pinned;
    char *why = NULL, hex[65];
    uint8_t fingerprint[32];
    (void)snprintf(hex, sizeof hex, "%.64s", member->token + 5);
    if (pinned == NULL && hex_parse(hex, fingerprint, sizeof fingerprint))
        pinned = pki_pinned_context(fingerprint, &why);
    if (pinned == NULL)
        die("a line that is no token");
    if (member->key == NULL)
        member->key = pki_key_new(&why);
    member->stage = ENROLLING;
    crowd.under_way++;
    member->channel = channel_connect(&crowd.loop, &crowd.address, crowd.port, pinned, NULL,
                                      &channel_default_limits, &handlers, member);
    if (member->key == NULL || member->channel == NULL)
        die("out of memory");
}
