#include "probe/probe.h"

/*
 * After the handshake: one request, and how it is answered; or, without one, a look at what comes unasked.
 * In TLS 1.3 "handshake done" is not success: the server has yet to see our Finished, and says "certificate
 * required" (116) or "unknown CA" (48) one round trip later. So even without a request we read on for that
 * long.
 */

enum {
    BODY_TIME_US = 2 * 1000 * 1000,
    LINGER_MIN_US = 50 * 1000,
    LINGER_MAX_US = 1000 * 1000,
    /* Lingering ends at multiples of it, for many attempts at once: waking up costs more than staying. */
    LINGER_TURN_US = 20 * 1000,
    IDLE_US = 3 * 1000 * 1000, /* the variant idle: what does the server do when nothing is asked? */
    READS_A_TURN = 32
};

/* @return until when, from the attempt's start. */
static int64_t linger_until_us(const struct probe *probe)
{
    int64_t rtt_us = (int64_t)probe->attempt->tcp[MOMENT_CONNECTED].rtt_us * 2;
    int64_t linger_us = rtt_us < LINGER_MIN_US   ? LINGER_MIN_US
                        : rtt_us > LINGER_MAX_US ? LINGER_MAX_US
                                                 : rtt_us;
    int64_t until_us = probe->start_us + probe_now_us(probe) + linger_us;
    return until_us + LINGER_TURN_US - until_us % LINGER_TURN_US - probe->start_us;
}

/* Host as RFC 9112, 3.2: brackets around IPv6, no port when it is the default. */
static bool write_host(struct buf *out, const struct endpoint *endpoint)
{
    const char *sni = endpoint_sni(endpoint);
    struct endpoint host = {.host = sni[0] != '\0' ? sni : endpoint->host, .port = endpoint->port};
    char text[ENDPOINT_TEXT_BYTES];
    (void)endpoint_text(&host, text);
    size_t length = strlen(text);
    static const char https[] = ":443";
    bool standard = host.port == 443 && length > sizeof https - 1;
    return buf_append(out, text, standard ? length - (sizeof https - 1) : length);
}

static bool write_request(struct probe *probe)
{
    struct buf *out = &probe->request;
    return buf_text(out, "GET / HTTP/1.1\r\nHost: ") && write_host(out, &probe->task->job.endpoint) &&
           buf_printf(out, "\r\nUser-Agent: %s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                      probe->prober->user_agent);
}

static bool asks(const struct probe *probe)
{
    return !(probe->task->job.flags & PROBE_NO_REQUEST) && probe->task->job.variant != VARIANT_IDLE;
}

static bool start(struct probe *probe)
{
    probe->requesting = true;
    buf_init(&probe->request, 4096);
    http_reader_init(&probe->http, &probe->attempt->arena, &probe->attempt->http);
    if (!asks(probe)) {
        bool idle = probe->task->job.variant == VARIANT_IDLE;
        probe->stop_us = idle ? probe_now_us(probe) + IDLE_US : linger_until_us(probe);
        return true;
    }
    probe_stamp(probe, &probe->attempt->clock.request_us);
    return write_request(probe);
}

static enum probe_stage unless_done(struct probe *probe, enum engine_step step)
{
    if (step == STEP_WANT_READ || step == STEP_WANT_WRITE)
        return probe_wait_for(probe, step == STEP_WANT_READ ? WANT_READ : WANT_WRITE, probe->stop_us);
    http_reader_end(&probe->http);
    return PROBE_CLOSE;
}

/* Time is up: with an answer, or when none was asked for, we have what we wanted. */
static enum probe_stage time_up(struct probe *probe)
{
    bool content = probe->attempt->http.status != 0 || !asks(probe);
    http_reader_end(&probe->http);
    probe_end_as(probe, content ? ENDING_BY_US : ENDING_TIMEOUT);
    return PROBE_CLOSE;
}

/* PROBE_REQUEST: written; PROBE_WAIT, PROBE_CLOSE. */
static enum probe_stage send_request(struct probe *probe)
{
    while (probe->request_sent < probe->request.len) {
        size_t sent;
        enum engine_step step = probe->engine->send(probe, probe->request.data + probe->request_sent,
                                                    probe->request.len - probe->request_sent, &sent);
        if (step != STEP_DONE)
            return unless_done(probe, step);
        probe->request_sent += sent;
    }
    return PROBE_REQUEST;
}

/* @return false when there is no more to wait for. */
static bool take_answer(struct probe *probe, const void *bytes, size_t length)
{
    probe_stamp(probe, &probe->attempt->clock.first_data_us);
    enum http_state state = http_reader_feed(&probe->http, bytes, length);
    if (state == HTTP_MALFORMED)
        probe_end_as(probe, ENDING_ERROR);
    else if (http_reader_satisfied(&probe->http))
        probe_end_as(probe, ENDING_BY_US);
    else if (state == HTTP_BODY && probe->stop_us == 0)
        probe->stop_us = probe_now_us(probe) + BODY_TIME_US;
    return probe->attempt->end.how == ENDING_NONE;
}

static enum probe_stage read_answer(struct probe *probe)
{
    unsigned char bytes[4096];
    for (int i = 0; i < READS_A_TURN; i++) {
        size_t got;
        enum engine_step step = probe->engine->receive(probe, bytes, sizeof bytes, &got);
        if (step != STEP_DONE)
            return unless_done(probe, step);
        if (!take_answer(probe, bytes, got))
            return PROBE_CLOSE;
    }
    /* A fast peer must not keep the others waiting: what is decrypted already is taken up next
     * millisecond. */
    return probe_wait_for(probe, WANT_READ, probe_now_us(probe) + 1000);
}

enum probe_stage probe_stage_request(struct probe *probe)
{
    if (!probe->requesting && !start(probe))
        return probe_local(probe, LOCAL_RESOURCE, 0, "request");
    if (probe_expired(probe) || (probe->stop_us > 0 && probe_now_us(probe) >= probe->stop_us))
        return time_up(probe);
    enum probe_stage next = send_request(probe);
    return next == PROBE_REQUEST ? read_answer(probe) : next;
}
