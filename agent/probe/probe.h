#ifndef PARALLAX_PROBE_PROBE_H
#define PARALLAX_PROBE_PROBE_H

#include "probe/engine.h"
#include "probe/engine_memory.h"
#include "probe/hosts.h"
#include "probe/http.h"
#include "probe/pcap.h"
#include "probe/poller.h"
#include "probe/prober.h"
#include "probe/resolver.h"
#include "probe/trust.h"
#include "probe/wire.h"

#include <openssl/x509.h>

/*
 * One attempt in the making, and the stages it goes through. Inside agent/probe only; others use prober.h.
 */

/* X(STAGE, name), in order */
#define PROBE_STAGES(X)                                                                                      \
    X(RESOLVE, resolve)                                                                                      \
    X(CONNECT, connect)                                                                                      \
    X(FETCH, fetch)                                                                                          \
    X(HANDSHAKE, handshake)                                                                                  \
    X(OBSERVE, observe)                                                                                      \
    X(REQUEST, request)                                                                                      \
    X(CLOSE, close)                                                                                          \
    X(LATE, late)

#define PROBE_STAGE_ENUM(STAGE, name) PROBE_##STAGE,
enum probe_stage { PROBE_STAGES(PROBE_STAGE_ENUM) PROBE_DONE, PROBE_WAIT };

/* What a stage that returned PROBE_WAIT waits for, besides time. */
enum probe_want { WANT_NOTHING, WANT_READ, WANT_WRITE };

enum { PROBE_FAMILIES = 2, PROBE_QUESTIONS = PROBE_FAMILIES + 1, PROBE_USER_AGENT_BYTES = 256 };

/* A job, shared by the attempts it gives. */
struct probe_task {
    struct probe_job job;
    struct arena arena;    /* the endpoint's texts */
    unsigned open;         /* probes that have not finished */
    const char *fetch_url; /* of the variants that fetch; "" for every other */
    const char *fetch_path;
    probe_done done;
    void *arg;
};

struct probe_question {
    struct probe *probe;
    struct resolver_query *query; /* NULL: not asked */
    int64_t asked_us;
    unsigned index; /* into attempt->dns */
    bool answered;
};

struct probe {
    struct prober *prober;
    struct probe_task *task;
    struct probe *next;  /* in the queue or among the running */
    struct probe **here; /* among the running: what points to it */
    enum probe_stage stage;
    enum probe_want want;
    bool ready;              /* the poller saw what the stage wants since it last ran */
    bool faulty;             /* it saw an error then */
    bool stepping;           /* the driver is on the stack */
    struct attempt *attempt; /* NULL before the start; and without memory */
    struct address address;  /* none: to be resolved */
    int64_t start_us;        /* monotonic; every other moment counts from it */
    int64_t deadline_us;
    int64_t wake_us; /* an earlier moment at which the stage wants to look again; 0: none */
    struct probe_question questions[PROBE_QUESTIONS]; /* a family each, and one that is asked again */
    struct wire wire;                                 /* owns the socket */
    struct pcap_flow capture;
    const struct engine *engine; /* NULL: nobody speaks TLS yet */
    void *session;               /* the engine's own */
    struct http_reader http;
    struct buf request;
    struct buf body; /* of what is fetched */
    size_t request_sent;
    bool requesting;
    bool half_closed; /* FIN sent, to see whether the peer closes as well */
    int64_t stop_us;  /* when enough was read after the handshake; 0: not known yet */
    uv_timer_t timer;
};

struct prober {
    uv_loop_t *loop;
    struct prober_options options; /* callbacks; the texts are below */
    char *agent_version;
    char user_agent[PROBE_USER_AGENT_BYTES];
    struct trust *trust;
    struct engine_memory *memory;
    struct resolver *resolver;
    struct poller poller;
    struct hosts *hosts; /* NULL: a resolver was named, which alone is asked */
    struct probe *queue;
    struct probe **queue_end;
    struct probe *running;
    unsigned running_count;
    unsigned pending; /* jobs */
    bool closing;
    bool ended;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* --- probe.c: the driver ----------------------------------------------------------------------------------- */

/** Sets the clock going and runs the stages until one waits. */
void probe_start(struct probe *probe);

/** Ends it as cancelled, started or not. */
void probe_cancel(struct probe *probe);

/** Something has come to the socket of a probe: EPOLL*. */
void probe_seen(void *probe, unsigned events);

/** Runs the stages until one waits. Not from inside a stage. */
void probe_step(struct probe *probe);

/** Microseconds since the start. */
int64_t probe_now_us(const struct probe *probe);
bool probe_expired(const struct probe *probe);

/** Sets a stamp the first time only. */
void probe_stamp(const struct probe *probe, int64_t *stamp);

/** Waits for the socket, and until wake_us at most (0: the deadline). @return PROBE_WAIT. */
enum probe_stage probe_wait_for(struct probe *probe, enum probe_want want, int64_t wake_us);

/** Notes how the connection ended, the first time only. */
void probe_end_as(struct probe *probe, enum evidence_ending how);

/** Notes why this vantage could not try, and goes to the end. @return PROBE_CLOSE. */
enum probe_stage probe_local(struct probe *probe, enum evidence_local local, int error, const char *detail);

/**
 * Has the owner nothing against this attempt?
 * @param address  where it goes; NULL: not known yet. @return false when it is refused, and why is in the attempt.
 */
bool probe_allowed(struct probe *probe, const struct address *address);

/** Ends it when the owner has something against it now. */
void probe_judge_again(struct probe *probe);

/** Wall clock of now, as captures write it: the attempt's start and what has gone by since. */
int64_t probe_wall_us(const struct probe *probe);

/** Takes a TCP_INFO, the first time only. */
void probe_snapshot(struct probe *probe, enum evidence_moment moment);

/** Gives the connection up, with all that was seen of it, and begins another one. @return PROBE_CONNECT. */
enum probe_stage probe_begin_again(struct probe *probe);

/** What the certificate has to cover: the name sent; without one the host, be it a name or an address. */
const char *probe_expected_name(const struct probe *probe, const char *sni);

/* --- stage_*.c --------------------------------------------------------------------------------------------- */

#define PROBE_STAGE_PROTOTYPE(STAGE, name) enum probe_stage probe_stage_##name(struct probe *probe);
PROBE_STAGES(PROBE_STAGE_PROTOTYPE)

/* --- certificates.c ---------------------------------------------------------------------------------------- */

/** The chain as it was sent, leaf first. NULL and an empty one are fine. */
void certificates_keep(STACK_OF(X509) * sent, struct attempt *attempt);

/**
 * The staple of a handshake that is complete, and the sum of all transparency proofs, of which the others are in already.
 * @param verified  what verification made of the chain, leaf to root. NULL: nothing.
 */
void certificates_keep_staple(STACK_OF(X509) * sent, STACK_OF(X509) * verified, const unsigned char *staple,
                              long staple_length, struct attempt *attempt);

/** Whose certificates the server asks for. NULL is fine. */
void certificates_keep_ca_names(const STACK_OF(X509_NAME) * names, struct attempt *attempt);

/** A verify error, into the set. */
void certificates_verify_error(struct attempt *attempt, int code, int depth);

/* --- prober.c: what the stages and the driver need of it --------------------------------------------------- */

/** Another attempt of the same job, at another address of the same answers. Without memory there is none. */
void prober_fork(struct probe *probe, const struct address *address);

/** Connections that are open to this address. */
unsigned prober_open_to(const struct prober *prober, const struct address *address);

/** Collector time now. */
int64_t prober_now(const struct prober *prober, uint64_t *ret_error_us);

/** The probe is over and its handles are closed: hands out its attempt, frees it and starts what waits. */
void prober_finished(struct probe *probe);

#endif
