#include "duty/log.h"
#include "duty/uplink_parts.h"
#include "link/clock.h"
#include "words/units.h"

#include <stdlib.h>

/*
 * Renewing in a live session: RenewRequest when it is due, RenewAnswer onto disk, and then a new session with the new
 * certificate, with the same collector and at once. An answer that never comes, or is of no use, leads to another request
 * later; a session makes one a minute at most, which is what collectors allow.
 */

static const int64_t apart_us = 65 * US_PER_S;

static void on_renew_timer(uv_timer_t *timer)
{
    session_renew(timer->data);
}

static void ask(struct uplink *uplink, int64_t collector_us, int64_t mono_us)
{
    struct message request = {.kind = MESSAGE_RENEW_REQUEST};
    char *why = NULL;
    uplink->renew_asked_us = mono_us;
    if (renew_begin(uplink->deps.renew, collector_us, mono_us, &request.renew_request.csr_der, &why))
        (void)channel_send(uplink->channel, &request);
    else
        duty_log("cannot renew the certificate: %s", why != NULL ? why : "out of memory");
    free(why);
}

void session_renew(struct uplink *uplink)
{
    int64_t mono_us = clock_mono_us(), offset_us = 0;
    if (uplink->state != UPLINK_LIVE || !offset_get(uplink->deps.offset, mono_us, &offset_us, NULL))
        return;
    int64_t wait_us = renew_wait_us(uplink->deps.renew, mono_us + offset_us, mono_us);
    int64_t apart = uplink->renew_asked_us == 0 ? 0 : uplink->renew_asked_us + apart_us - mono_us;
    wait_us = wait_us > apart ? wait_us : apart;
    if (wait_us <= 0) {
        ask(uplink, mono_us + offset_us, mono_us);
        wait_us = apart_us;
    }
    (void)uv_timer_start(&uplink->renew, on_renew_timer, (uint64_t)(wait_us / US_PER_MS + 1), 0);
}

void session_renewed(struct uplink *uplink, const struct message *message)
{
    char *why = NULL, ends[UNITS_TIME_BYTES];
    if (renew_accept(uplink->deps.renew, &message->renew_answer.certificate_pem, &why)) {
        duty_log("certificate renewed, until %s", time_rfc3339(renew_ends_us(uplink->deps.renew), 0, ends));
        uplink->renewed = true;
        session_leave(uplink, GOODBYE_OTHER, "renewed");
    } else {
        duty_log("the certificate is not renewed: %s", why != NULL ? why : "out of memory");
    }
    free(why);
}
