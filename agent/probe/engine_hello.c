#include "hello/decoy.h"
#include "probe/engine.h"
#include "probe/hello_facts.h"
#include "probe/probe.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/*
 * An attempt that goes no further than the answer to its ClientHello (DEPTH_HELLO): the hello is the variant's, with key shares that
 * nobody holds the secret of, and what comes back is read as far as it is plain text. So there is no handshake, nothing after it,
 * and never another engine that takes over.
 */

enum {
    HANDSHAKE = 22,
    READ_BYTES = 4096,
    ANSWER_MAX_BYTES = 20 * 1024 /* a ServerHello is far smaller */,
    READS_A_TURN = 32
};

struct hello_session {
    const struct hello_profile *profile;
    struct buf hello; /* with its record header */
    size_t sent;
    struct buf answer;
    uint8_t *joined; /* scratch of the reader, as large as the answer may be */
};

static bool write_hello(struct hello_session *session, const char *sni)
{
    uint8_t random[HELLO_DECOY_RANDOM_BYTES];
    struct hello_decoy decoy;
    struct buf message;
    buf_init(&message, 0);
    bool written = RAND_bytes(random, sizeof random) == 1 &&
                   hello_decoy_make(session->profile, sni, random, &decoy) &&
                   hello_write(session->profile, &decoy.values, &message) &&
                   hello_write_records(HANDSHAKE, session->profile->record_version, message.data, message.len,
                                       &session->hello);
    buf_done(&message);
    return written;
}

static bool start(struct probe *probe, const char *sni)
{
    struct hello_session *session = calloc(1, sizeof *session);
    probe->session = session;
    if (session == NULL)
        return false;
    buf_init(&session->hello, 0);
    buf_init(&session->answer, ANSWER_MAX_BYTES);
    session->profile = trust_hello(probe->task->job.variant);
    probe->attempt->hello_profile = session->profile->name;
    if (!write_hello(session, sni))
        return false;
    probe->attempt->tls.hello_length = (uint32_t)session->hello.len;
    return true;
}

/* @return false while the wire does not take it all. */
static bool say_hello(struct probe *probe)
{
    struct hello_session *session = probe->session;
    while (session->sent < session->hello.len) {
        int sent =
            wire_write(&probe->wire, session->hello.data + session->sent, session->hello.len - session->sent);
        if (sent < 0)
            return false;
        session->sent += (size_t)sent;
    }
    return true;
}

static enum engine_step failed_for(struct probe *probe, int reason)
{
    ERR_raise(ERR_LIB_SSL, reason);
    return engine_failed(probe, SSL_ERROR_SSL);
}

static void read_answer(const struct hello_session *session, struct hello_answer *ret_answer)
{
    hello_answer_read(session->answer.data, session->answer.len, session->joined, ret_answer);
}

/* Into the attempt. @return how it ends by what was answered; ENDING_NONE when there may be more. */
static enum evidence_ending keep_answer(struct probe *probe, const struct hello_answer *answer)
{
    const struct hello_session *session = probe->session;
    struct evidence_end *end = &probe->attempt->end;
    end->first_byte_count = probe->wire.first_byte_count;
    memcpy(end->first_bytes, probe->wire.first_bytes, probe->wire.first_byte_count);
    return hello_facts(probe->attempt, session->profile, answer, (uint32_t)session->hello.len,
                       probe->attempt->clock.first_byte_us);
}

static enum engine_step take_bytes(struct probe *probe, const uint8_t *bytes, size_t length)
{
    struct hello_session *session = probe->session;
    struct hello_answer answer;
    if (session->joined == NULL)
        session->joined = malloc(ANSWER_MAX_BYTES);
    if (session->joined == NULL)
        return failed_for(probe, ERR_R_MALLOC_FAILURE);
    if (!buf_append(&session->answer, bytes, length))
        return failed_for(probe, SSL_R_EXCESSIVE_MESSAGE_SIZE);
    read_answer(session, &answer);
    if (!hello_answer_is_over(&answer))
        return STEP_WANT_READ;
    probe_end_as(probe, keep_answer(probe, &answer));
    return STEP_ENOUGH;
}

static enum engine_step handshake(struct probe *probe)
{
    uint8_t bytes[READ_BYTES];
    ERR_clear_error();
    if (!say_hello(probe))
        return STEP_WANT_WRITE;
    for (int i = 0; i < READS_A_TURN; i++) {
        int got = wire_read(&probe->wire, bytes, sizeof bytes);
        if (got < 0)
            return STEP_WANT_READ;
        if (got == 0)
            return probe->wire.eof ? failed_for(probe, SSL_R_UNEXPECTED_EOF_WHILE_READING)
                                   : engine_failed(probe, SSL_ERROR_SYSCALL);
        enum engine_step step = take_bytes(probe, bytes, (size_t)got);
        if (step != STEP_WANT_READ)
            return step;
    }
    return STEP_WANT_READ;
}

/* What there is of an answer that never came to its end. */
static void observe(struct probe *probe)
{
    struct hello_answer answer;
    if (probe->attempt->tls.record_count > 0 || probe->wire.sent_bytes == 0)
        return;
    read_answer(probe->session, &answer);
    if (!hello_answer_is_over(&answer))
        (void)keep_answer(probe, &answer);
    ERR_clear_error();
}

static void free_session(struct probe *probe)
{
    struct hello_session *session = probe->session;
    if (session == NULL)
        return;
    buf_done(&session->hello);
    buf_done(&session->answer);
    free(session->joined);
    free(session);
}

const struct engine engine_hello = {
    .id = ENGINE_OWN,
    .start = start,
    .handshake = handshake,
    .observe = observe,
    .free = free_session,
};
