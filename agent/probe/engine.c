#include "probe/engine.h"

#include "probe/probe.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

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
