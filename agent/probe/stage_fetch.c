#include "probe/aia.h"
#include "probe/probe.h"

#include <stdlib.h>
#include <string.h>

/*
 * In place of the handshake, for the variant issuer: one plain HTTP/1.0 request for the issuer that a certificate names, and
 * what the answer is worth. HTTP/1.0, so that the body is neither chunked nor compressed and ends with the connection.
 */

enum { READS_A_TURN = 32, FETCH_CHUNK_BYTES = 4096 };

static void on_first_byte(void *arg)
{
    struct probe *probe = arg;
    probe_stamp(probe, &probe->attempt->clock.first_byte_us);
}

static void on_end(void *arg)
{
    probe_snapshot(arg, MOMENT_END);
}

static bool start(struct probe *probe)
{
    const struct endpoint *endpoint = &probe->task->job.endpoint;
    char host[ENDPOINT_TEXT_BYTES];
    probe->wire.on_received = on_first_byte;
    probe->wire.on_end = on_end;
    probe->wire.arg = probe;
    probe->requesting = true;
    buf_init(&probe->request, 4096);
    buf_init(&probe->body, AIA_MAX_BYTES);
    http_reader_init(&probe->http, &probe->attempt->arena, &probe->attempt->http);
    probe->http.body = &probe->body;
    probe_stamp(probe, &probe->attempt->clock.request_us);
    return buf_printf(
        &probe->request,
        "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        probe->task->fetch_path, endpoint_text(endpoint, host), probe->prober->user_agent);
}

/* The body is whole: as long as its header says, or the connection has ended. */
static bool complete(const struct probe *probe)
{
    const char *length = attempt_header(probe->attempt, "content-length");
    if (probe->http.state != HTTP_BODY)
        return false;
    return probe->wire.ended || (length != NULL && probe->body.len >= strtoul(length, NULL, 10)) ||
           probe->attempt->http.body_bytes > AIA_MAX_BYTES;
}

static enum evidence_ending ending_of(const struct probe *probe)
{
    if (complete(probe) && !probe->wire.ended)
        return ENDING_BY_US;
    if (!probe->wire.ended)
        return probe->http.state == HTTP_MALFORMED ? ENDING_ERROR : ENDING_TIMEOUT;
    return probe->wire.eof ? ENDING_FIN : ENDING_RESET;
}

static enum probe_stage finish(struct probe *probe)
{
    struct attempt *attempt = probe->attempt;
    http_reader_end(&probe->http);
    bool whole = complete(probe) && attempt->http.status == 200;
    attempt->tls.issuer = whole ? aia_judge(probe->body.data, probe->body.len, probe->task->job.issuer_of,
                                            trust_store(probe->prober->trust))
                                : ISSUER_FAILED;
    probe_end_as(probe, ending_of(probe));
    return PROBE_CLOSE;
}

static enum probe_stage send_request(struct probe *probe)
{
    while (probe->request_sent < probe->request.len) {
        int sent = wire_write(&probe->wire, probe->request.data + probe->request_sent,
                              probe->request.len - probe->request_sent);
        if (sent < 0)
            return probe_wait_for(probe, WANT_WRITE, 0);
        probe->request_sent += (size_t)sent;
    }
    return PROBE_FETCH;
}

static enum probe_stage read_answer(struct probe *probe)
{
    unsigned char bytes[FETCH_CHUNK_BYTES];
    for (int i = 0; i < READS_A_TURN; i++) {
        int got = wire_read(&probe->wire, bytes, sizeof bytes);
        if (got < 0)
            return probe_wait_for(probe, WANT_READ, 0);
        if (got > 0)
            probe_stamp(probe, &probe->attempt->clock.first_data_us);
        if (got > 0 && http_reader_feed(&probe->http, bytes, (size_t)got) == HTTP_MALFORMED)
            return finish(probe);
        if (got == 0 || complete(probe))
            return finish(probe);
    }
    return probe_wait_for(probe, WANT_READ, probe_now_us(probe) + 1000);
}

enum probe_stage probe_stage_fetch(struct probe *probe)
{
    if (!probe->requesting && !start(probe))
        return probe_local(probe, LOCAL_RESOURCE, 0, "request");
    if (probe_expired(probe))
        return finish(probe);
    enum probe_stage next = send_request(probe);
    return next == PROBE_FETCH ? read_answer(probe) : next;
}
