#include "duty/enrol.h"

#include "cli/i18n.h"
#include "cli/term.h"
#include "link/channel.h"
#include "link/pki.h"
#include "words/units.h"

#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * One connection: TLS pinned to the CA whose fingerprint the token carries, EnrolRequest, then EnrolAnswer or a Goodbye
 * that says why not. A collector that cannot be reached is passed over; one that refuses has the last word.
 */

static const char token_mark[] = "plx1.";

enum { TOKEN_HEX = 64, TOKEN_SECRET = 43, ANSWER_MS = 15000, MAX_ADDRESSES = 8 };

struct attempted {
    uv_loop_t loop;
    const char *token;
    EVP_PKEY *key;
    unsigned char *csr;
    int csr_length;
    bool opened;
    bool answered; /* one way or the other */
    char *why;
    struct enrolment enrolment;
};

bool enrol_token(const char *text, uint8_t ret_ca_sha256[32])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char hex[TOKEN_HEX + 1];
    size_t mark = sizeof token_mark - 1;
    if (strncmp(text, token_mark, mark) != 0 || strlen(text) != mark + TOKEN_HEX + 1 + TOKEN_SECRET ||
        text[mark + TOKEN_HEX] != '.' || strspn(text + mark + TOKEN_HEX + 1, alphabet) != TOKEN_SECRET)
        return false;
    (void)snprintf(hex, sizeof hex, "%.*s", TOKEN_HEX, text + mark);
    return hex_parse(hex, ret_ca_sha256, 32);
}

void enrolment_done(struct enrolment *enrolment)
{
    X509_free(enrolment->certificate);
    X509_free(enrolment->ca);
    *enrolment = (struct enrolment){0};
}

static void say(struct attempted *attempted, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct attempted *attempted, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    free(attempted->why);
    if (vasprintf(&attempted->why, format, args) < 0)
        attempted->why = NULL;
    va_end(args);
}

/* --- the answer ------------------------------------------------------------------------------------------------- */

static bool ca_is_pinned(const struct attempted *attempted, X509 *ca)
{
    uint8_t wanted[32], found[32];
    return enrol_token(attempted->token, wanted) && pki_fingerprint(ca, found) &&
           memcmp(wanted, found, sizeof wanted) == 0;
}

static bool is_ours(const struct attempted *attempted, const struct enrolment *enrolment)
{
    EVP_PKEY *ca_key = X509_get0_pubkey(enrolment->ca), *key = X509_get0_pubkey(enrolment->certificate);
    return ca_key != NULL && key != NULL && EVP_PKEY_eq(key, attempted->key) == 1 &&
           X509_check_issued(enrolment->ca, enrolment->certificate) == X509_V_OK &&
           X509_verify(enrolment->certificate, ca_key) == 1;
}

static void take_answer(struct attempted *attempted, const struct message *message)
{
    struct enrolment *enrolment = &attempted->enrolment;
    const struct bytes *certificate = &message->enrol_answer.certificate_pem,
                       *ca = &message->enrol_answer.ca_pem;
    char *ignored = NULL;
    enrolment->certificate = pki_certificate_from_pem(certificate->data, certificate->length, &ignored);
    free(ignored);
    ignored = NULL;
    enrolment->ca = pki_certificate_from_pem(ca->data, ca->length, &ignored);
    free(ignored);
    if (enrolment->certificate == NULL || enrolment->ca == NULL)
        say(attempted, "%s", _("the collector's answer holds no certificate"));
    else if (!ca_is_pinned(attempted, enrolment->ca))
        say(attempted, "%s", _("the collector's answer holds another CA than the token names"));
    else if (!is_ours(attempted, enrolment))
        say(attempted, "%s",
            _("the collector's answer holds a certificate for another key or from another CA"));
    else if (!pki_vantage_name(enrolment->certificate, enrolment->name, sizeof enrolment->name))
        say(attempted, "%s", _("the collector's answer holds a certificate that names no vantage"));
    else
        return;
    enrolment_done(enrolment);
}

static void on_open(struct channel *channel, void *arg)
{
    struct attempted *attempted = arg;
    char hostname[256] = "";
    (void)gethostname(hostname, sizeof hostname - 1);
    struct message request = {
        .kind = MESSAGE_ENROL_REQUEST,
        .enrol_request = {.token = attempted->token,
                          .csr_der = {attempted->csr, (size_t)attempted->csr_length},
                          .agent_version = PARALLAX_VERSION,
                          .hostname = hostname},
    };
    attempted->opened = true;
    (void)channel_send(channel, &request);
}

static void on_message(struct channel *channel, struct message *message, void *arg)
{
    struct attempted *attempted = arg;
    attempted->answered = true;
    if (message->kind == MESSAGE_ENROL_ANSWER)
        take_answer(attempted, message);
    else if (message->kind == MESSAGE_GOODBYE)
        say(attempted, "%s", message->goodbye.text);
    else
        say(attempted, "%s", _("the collector answered with something else"));
    channel_close(channel);
}

static void on_closed(struct channel *channel, enum channel_failure failure, const char *why, void *arg)
{
    (void)channel;
    struct attempted *attempted = arg;
    if (attempted->answered)
        return;
    if (failure == CHANNEL_TLS_FAILED)
        attempted->answered = true; /* the wrong collector, or the wrong token: another one would not help */
    say(attempted, "%s", why);
}

/* --- the connection --------------------------------------------------------------------------------------------- */

/* @return how many addresses; 0 and *ret_why on failure. */
static size_t resolve(uv_loop_t *loop, const char *host, struct address addresses[MAX_ADDRESSES],
                      const char **ret_why)
{
    if (address_parse(host, &addresses[0]))
        return 1;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    uv_getaddrinfo_t request = {0};
    int status = uv_getaddrinfo(loop, &request, NULL, host, NULL, &hints); /* without a callback it waits */
    size_t count = 0;
    *ret_why = status != 0 ? uv_strerror(status) : _("no usable address");
    for (const struct addrinfo *at = request.addrinfo; status == 0 && at != NULL && count < MAX_ADDRESSES;
         at = at->ai_next)
        count += address_from_sockaddr(at->ai_addr, &addresses[count], NULL);
    uv_freeaddrinfo(request.addrinfo);
    return count;
}

/* The collector's own words stand alone; what we say names the collector. */
static void name_collector(struct attempted *attempted, const struct collector_address *collector)
{
    char *safe = text_safe_copy(attempted->why != NULL ? attempted->why : _("out of memory"));
    if (attempted->answered && attempted->opened)
        say(attempted, "%s", safe);
    else
        say(attempted, _("%s port %u: %s"), collector->host, collector->port, safe);
    free(safe);
}

static void try_collector(struct attempted *attempted, const struct collector_address *collector,
                          SSL_CTX *context)
{
    static const struct channel_handlers handlers = {
        .on_open = on_open, .on_message = on_message, .on_closed = on_closed};
    struct channel_limits limits = channel_default_limits;
    struct address addresses[MAX_ADDRESSES];
    const char *why = "";
    limits.idle_timeout_ms = ANSWER_MS;
    size_t count = resolve(&attempted->loop, collector->host, addresses, &why);
    if (count == 0)
        say(attempted, "%s", why);
    for (size_t i = 0; i < count && !attempted->answered; i++) {
        (void)channel_connect(&attempted->loop, &addresses[i], collector->port, context, PKI_SERVER_NAME,
                              &limits, &handlers, attempted);
        (void)uv_run(&attempted->loop, UV_RUN_DEFAULT);
    }
    if (attempted->enrolment.certificate != NULL)
        attempted->enrolment.collector = *collector;
    else
        name_collector(attempted, collector);
}

bool enrol(const struct settings *settings, const char *token, EVP_PKEY *key, struct enrolment *ret_enrolment,
           char **ret_why)
{
    struct attempted attempted = {.token = token, .key = key};
    uint8_t ca_sha256[32];
    SSL_CTX *context = enrol_token(token, ca_sha256) ? pki_pinned_context(ca_sha256, ret_why) : NULL;
    if (context != NULL)
        attempted.csr = pki_csr_der(key, &attempted.csr_length, ret_why);
    if (attempted.csr != NULL && uv_loop_init(&attempted.loop) == 0) {
        for (size_t i = 0; i < settings->collector_count && !attempted.answered; i++)
            try_collector(&attempted, &settings->collectors[i], context);
        (void)uv_loop_close(&attempted.loop);
    }
    OPENSSL_free(attempted.csr);
    SSL_CTX_free(context);
    if (attempted.enrolment.certificate != NULL) {
        free(attempted.why);
        *ret_enrolment = attempted.enrolment;
        return true;
    }
    if (attempted.why != NULL)
        *ret_why = attempted.why;
    return false;
}
