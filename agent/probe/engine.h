#ifndef PARALLAX_PROBE_ENGINE_H
#define PARALLAX_PROBE_ENGINE_H

#include "words/evidence.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What speaks TLS in an attempt. The stages know when something is to be done, an engine how: it takes its bytes from the
 * probe's wire, gives its own to it, and writes what it sees into the probe's attempt as it happens. Inside agent/probe only.
 *
 *      start -> handshake* -> observe -> (send* | receive*)* -> goodbye -> free
 *
 * Everything but start may be left out, and free may follow at any time. An engine keeps its state in probe->session. One whose
 * handshakes are never done has no send, receive and goodbye.
 */
struct probe;

/* What came of a step. After STEP_WANT_* the same step is asked for again. */
enum engine_step {
    STEP_DONE,
    STEP_WANT_READ,
    STEP_WANT_WRITE,
    STEP_ENOUGH, /* of a handshake: it goes no further; how the connection ended by it is in the attempt */
    STEP_OTHER,  /* of a handshake: the server chose what this engine does not speak */
    STEP_FAILED, /* why, and how the connection ended by it, is in the attempt */
};

struct engine {
    enum evidence_engine id;

    /** @param sni  the name to send; "" for none. @return false without memory. free is called all the same. */
    bool (*start)(struct probe *probe, const char *sni);

    enum engine_step (*handshake)(struct probe *probe);

    /** Reads what a handshake, complete or not, has left behind. */
    void (*observe)(struct probe *probe);

    /** Application data. @param ret_sent  bytes taken, with STEP_DONE; at least one. */
    enum engine_step (*send)(struct probe *probe, const void *bytes, size_t length, size_t *ret_sent);

    /** Application data. @param ret_got  bytes given, with STEP_DONE; at least one. */
    enum engine_step (*receive)(struct probe *probe, void *bytes, size_t room, size_t *ret_got);

    /** Says that nothing more comes, as far as that goes without waiting. */
    void (*goodbye)(struct probe *probe);

    void (*free)(struct probe *probe);
};

extern const struct engine engine_libssl;
extern const struct engine engine_own;
extern const struct engine
    engine_hello; /* of DEPTH_HELLO: our own as well, which asks, and reads the answer */

/** The engine for an attempt that is connected: one whose hello is the variant's. */
const struct engine *engine_for(const struct probe *probe);

/** Learns from a handshake that ended, or that could not go on (STEP_OTHER), which engine suits the endpoint. */
void engine_learn(struct probe *probe, enum engine_step step);

/**
 * Notes that a step failed: the whole OpenSSL error queue, which it empties, and how the connection ended by it.
 * @param ssl_error  SSL_ERROR_* as SSL_get_error has it. @return STEP_FAILED.
 */
enum engine_step engine_failed(struct probe *probe, int ssl_error);

#endif
