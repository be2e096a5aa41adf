#include "ingest/session_parts.h"

#include "log.h"
#include "outlet/metrics.h"

/*
 * Agents are read from as long as there is room for what comes: a database that is slow pushes back on them, and nothing piles up here.
 * (An agent that is not read from gives up a collector that says nothing for 24 s: agent/duty/uplink_session.c.)
 */

void session_set_reading(struct session *session)
{
    bool held = session->source.waiting >= SESSION_MAX_WAITING || ingest_ceiling(session->hub->ingest)->full;
    if (session->channel == NULL || session->state != SESSION_OPEN || held == session->paused)
        return;
    session->paused = held;
    if (held)
        channel_pause(session->channel);
    else
        channel_resume(session->channel);
}

static void session_on_ceiling(void *arg)
{
    struct session_hub *hub = arg;
    bool full = ingest_ceiling(hub->ingest)->full;
    log_line(full ? "%d MiB wait for the database: nothing is read from agents until half of it is stored"
                  : "less than half of %d MiB waits for the database: agents are read from again",
             INGEST_MAX_BYTES / (1024 * 1024));
    metrics_set(metrics_here(), METRIC_PUSHING_BACK, NULL, full);
    for (struct session *session = hub->first; session != NULL; session = session->next)
        session_set_reading(session);
}

/* An agent that is not read from gets no pongs. Its last Ack says that somebody is there, and asks for nothing. */
static void session_on_alive(uv_timer_t *timer)
{
    const struct session_hub *hub = timer->data;
    for (struct session *session = hub->first; session != NULL; session = session->next) {
        struct message ack = {.kind = MESSAGE_ACK, .ack = {.committed = session->acked}};
        if (session->paused && session->state == SESSION_OPEN)
            (void)session_send(session, &ack);
    }
}

void session_hub_ready(struct session_hub *hub)
{
    struct ceiling *ceiling = ingest_ceiling(hub->ingest);
    ceiling->changed = session_on_ceiling;
    ceiling->arg = hub;
    metrics_set(metrics_here(), METRIC_PUSHING_BACK, NULL, 0);
    (void)uv_timer_init(hub->loop, &hub->alive);
    hub->alive.data = hub;
    (void)uv_timer_start(&hub->alive, session_on_alive, SESSION_ALIVE_MS, SESSION_ALIVE_MS);
}
