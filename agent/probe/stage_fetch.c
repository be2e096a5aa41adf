#include "hello/certificate_facts.h"
#include "probe/aia.h"
#include "probe/ocsp.h"
#include "probe/probe.h"

#include <stdlib.h>
#include <string.h>

/*
 * In place of the handshake, for the variants that ask third parties named in a certificate: one plain HTTP/1.0 request, and
 * what the answer is worth. Issuer: GET of a certificate (RFC 5280, 4.2.2.1). OCSP: POST of a question about the leaf (RFC
 * 6960, A.1). HTTP/1.0, so that the body is neither chunked nor compressed and ends with the connection.
 */

enum { READS_A_TURN = 32, FETCH_CHUNK_BYTES = 4096, REQUEST_MAX_BYTES = 8192 };

static void on_first_byte(void *arg)
{
    struct probe *probe = arg;
    probe_stamp(probe, &probe->attempt->clock.first_byte_us);
}

static void on_end(void *arg)
{
    probe_snapshot(arg, MOMENT_END);
}

static bool write_head(struct probe *probe, const char *method, size_t body_length)
{
    char host[ENDPOINT_TEXT_BYTES];
    struct buf *out = &probe->request;
    bool written = buf_printf(
        out, "%s %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nConnection: close\r\n", method,
        probe->task->fetch_path, endpoint_text(&probe->task->job.endpoint, host), probe->prober->user_agent);
    if (body_length > 0)
        written =
            written &&
            buf_printf(out, "Content-Type: application/ocsp-request\r\nContent-Length: %zu\r\n", body_length);
    return written && buf_text(out, "\r\n");
}

static bool write_request(struct probe *probe)
{
    if (probe->task->job.variant == VARIANT_ISSUER)
        return write_head(probe, "GET", 0);
    struct buf body;
    buf_init(&body, REQUEST_MAX_BYTES);
    bool written = ocsp_request(probe->task->job.about, trust_store(probe->prober->trust), &body) &&
                   write_head(probe, "POST", body.len) && buf_append(&probe->request, body.data, body.len);
    buf_done(&body);
    return written;
}

static bool start(struct probe *probe)
{
    probe->wire.on_received = on_first_byte;
    probe->wire.on_end = on_end;
    probe->wire.arg = probe;
    probe->requesting = true;
    buf_init(&probe->request, REQUEST_MAX_BYTES);
    buf_init(&probe->body, AIA_MAX_BYTES);
    http_reader_init(&probe->http, &probe->attempt->arena, &probe->attempt->http);
    probe->http.body = &probe->body;
    probe_stamp(probe, &probe->attempt->clock.request_us);
    return write_request(probe);
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

/* The issuer is kept as the attempt's chain, with what it says of the next one. */
static void keep_issuer(struct attempt *attempt, X509 *issuer)
{
    attempt->tls.chain = arena_array(&attempt->arena, 1, sizeof *attempt->tls.chain);
    if (attempt->tls.chain == NULL || !certificate_keep(issuer, &attempt->arena, &attempt->tls.chain[0]) ||
        !certificate_leaf_facts(issuer, &attempt->arena, &attempt->tls.leaf))
        return;
    attempt->tls.chain_count = 1;
}

static void judge(const struct probe *probe)
{
    struct evidence_tls *tls = &probe->attempt->tls;
    const struct probe_job *job = &probe->task->job;
    X509_STORE *store = trust_store(probe->prober->trust);
    X509 *issuer = NULL;
    if (job->variant == VARIANT_OCSP) {
        tls->responder = ocsp_judge(probe->body.data, probe->body.len, job->about, store, tls);
        return;
    }
    tls->issuer = aia_judge(probe->body.data, probe->body.len, job->about, store, &issuer);
    if (issuer != NULL)
        keep_issuer(probe->attempt, issuer);
    X509_free(issuer);
}

static enum probe_stage finish(struct probe *probe)
{
    struct attempt *attempt = probe->attempt;
    http_reader_end(&probe->http);
    if (complete(probe) && attempt->http.status == 200)
        judge(probe);
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
        return probe_local(probe, LOCAL_OTHER, 0, "the request cannot be made: the issuer is not known here");
    if (probe_expired(probe))
        return finish(probe);
    enum probe_stage next = send_request(probe);
    return next == PROBE_FETCH ? read_answer(probe) : next;
}
