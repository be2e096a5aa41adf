#include "probe/engine.h"

#include "probe/probe.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* What agent/hello/client.h speaks, of a session that was agreed on. */
static bool is_spoken(const struct evidence_tls *tls)
{
    static const uint16_t ciphers[] = {0x1301, 0x1302, 0x1303}, groups[] = {29, 23, 24};
    bool cipher = false, group = false;
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++)
        cipher |= tls->cipher == ciphers[i];
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        group |= tls->group == groups[i];
    return tls->version == TLS1_3_VERSION && cipher && group;
}

static uint64_t key_of(const struct probe *probe)
{
    const struct attempt *attempt = probe->attempt;
    return engine_memory_key(&probe->task->job.endpoint, attempt->tls.sni, &attempt->flow.destination);
}

const struct engine *engine_for(const struct probe *probe)
{
    const struct prober *prober = probe->prober;
    if (probe->attempt->depth == DEPTH_HELLO)
        return &engine_hello;
    if (prober->options.engine == PROBER_LIBSSL || probe->attempt->engine_again ||
        trust_profile(probe->task->job.variant) == NULL)
        return &engine_libssl;
    enum engine_opinion opinion = engine_memory_get(prober->memory, key_of(probe));
    bool own = prober->options.engine == PROBER_OWN ? opinion != OPINION_LIBSSL : opinion == OPINION_OWN;
    return own ? &engine_own : &engine_libssl;
}

void engine_learn(struct probe *probe, enum engine_step step)
{
    struct engine_memory *memory = probe->prober->memory;
    if (step == STEP_OTHER)
        engine_memory_put(memory, key_of(probe), OPINION_LIBSSL);
    else if (step == STEP_DONE && is_spoken(&probe->attempt->tls))
        engine_memory_put(memory, key_of(probe), OPINION_OWN);
}

static void keep_error_queue(struct evidence_tls *tls)
{
    unsigned long error;
    while ((error = ERR_get_error()) != 0)
        if (tls->errors != NULL && tls->error_count < EVIDENCE_MAX_ERRORS)
            tls->errors[tls->error_count++] = error;
}

static bool is_fatal_alert(const struct attempt *attempt)
{
    enum { CLOSE_NOTIFY = 0, USER_CANCELED = 90, FATAL = 2 };
    uint8_t level, description;
    return attempt_alert(attempt, true, &level, &description) && description != CLOSE_NOTIFY &&
           description != USER_CANCELED && level == FATAL;
}

static enum evidence_ending ending_of(const struct probe *probe, int ssl_error)
{
    const struct wire *wire = &probe->wire;
    if (is_fatal_alert(probe->attempt))
        return ENDING_ALERT;
    if (ssl_error == SSL_ERROR_ZERO_RETURN)
        return ENDING_CLOSE_NOTIFY;
    if (!wire->ended)
        return ENDING_ERROR;
    /* A reset that a send ran into reads as an end of file afterwards. */
    if (wire->error == ECONNRESET || wire->error == EPIPE)
        return ENDING_RESET;
    if (wire->eof)
        return ENDING_FIN;
    return wire->error == ETIMEDOUT ? ENDING_TIMEOUT : ENDING_ERROR;
}

enum engine_step engine_failed(struct probe *probe, int ssl_error)
{
    struct evidence_tls *tls = &probe->attempt->tls;
    tls->ssl_error = ssl_error;
    keep_error_queue(tls);
    probe_end_as(probe, ending_of(probe, ssl_error));
    if (ssl_error == SSL_ERROR_SSL)
        wire_complete_first(&probe->wire);
    return STEP_FAILED;
}
