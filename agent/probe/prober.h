#ifndef PARALLAX_PROBE_PROBER_H
#define PARALLAX_PROBE_PROBER_H

#include "probe/engine_choice.h"
#include "words/address.h"
#include "words/evidence.h"
#include "words/plan.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * The probe engine: endpoints in, attempts out, on one loop, at most `concurrency` connections at once; what
 * is above waits in a queue, first come first served. It decides nothing about when to probe and judges
 * nothing.
 *
 * Owned by whoever made it until prober_close. Single-threaded: every call from the loop's thread, from
 * callbacks of its own too. SIGPIPE must be ignored (cli_main does).
 */
struct prober;
struct pcap;   /* probe/pcap.h */
struct keylog; /* probe/keylog.h */
struct case_file;
struct probe_job;

enum { PROBER_WHY_BYTES = 320 };

/** Texts are copied. Zeroed is a one-shot prober with the system's trust store and resolver. */
struct prober_options {
    const char *ca_file;       /* PEM bundle to trust; NULL: the system's */
    const char *client_cert;   /* PEM, shown by the variant client-cert; NULL: none */
    const char *client_key;    /* PEM; NULL: in the same file */
    const char *resolver;      /* "192.0.2.53", "192.0.2.53:5353", several with commas; NULL: the system's,
                                  /etc/hosts first */
    const char *agent_version; /* NULL: this build's */
    const char *contact;       /* the owner's, put into the User-Agent beside the URL; NULL: none */
    struct address source;     /* where connections go out from, in its family; none: the kernel's choice */
    unsigned concurrency;      /* 0: PROBER_CONCURRENCY */
    unsigned address_concurrency; /* connections open to one address; above, LOCAL_POLICY. 0: no bound */
    enum prober_engine engine;
    struct pcap *pcap;     /* borrowed: connections are captured into it; NULL: none */
    struct keylog *keylog; /* borrowed: their secrets are logged; NULL: none */

    /**
     * The owner's policy. Asked about every job before anything is done for it, its name resolved included (address NULL);
     * about its address when that is known, and about the very address that connect() gets in the statement before it. False
     * ends the attempt as LOCAL_POLICY with what was written to why. Of VARIANT_ISSUER and VARIANT_OCSP the job's endpoint is
     * the third party's. NULL: all; but third parties only at an address that is public, or of the sort that the certificate
     * came from.
     */
    bool (*allow)(const struct probe_job *job, const struct address *address, char why[PROBER_WHY_BYTES],
                  void *arg);
    void *allow_arg;

    /**
     * Asked once per attempt, right before connect, when `allow` had nothing against the address; false ends the
     * attempt as LOCAL_POLICY, because its owner's rate for the address is used up. An attempt on a third party, whose
     * address nobody knew before, waits and asks again until its time is over. NULL: no rate.
     */
    bool (*pace)(const struct address *address, const struct probe_job *job, void *arg);
    void *pace_arg;

    /** Collector time of this very moment, Unix microseconds, and the half-width it is known to. NULL: own
     * wall clock, 0. */
    int64_t (*now)(uint64_t *ret_error_us, void *arg);
    void *now_arg;
};

enum {
    PROBER_CONCURRENCY = 64,
    PROBER_TIMEOUT_US = 10 * 1000 * 1000,
};

enum probe_flags {
    PROBE_NO_REQUEST = 1 << 0, /* stop one round trip after the handshake */
    PROBE_ONLY_IPV4 = 1 << 1,  /* of a resolved host */
    PROBE_ONLY_IPV6 = 1 << 2,
    PROBE_ALL_ADDRESSES = 1 << 3, /* one attempt per address, not the first of each family */
    PROBE_BY_NAME =
        1
        << 4, /* the endpoint's address is where its name led an earlier attempt, not what somebody pinned */
};

/**
 * What is to be probed. Zeroed but for the endpoint is fine. The variant shapes the connection (words/plan.h); whoever asks
 * for control-sni, other-address, other-family or other-port puts the other name, address or port into the endpoint.
 */
struct probe_job {
    struct endpoint endpoint; /* copied with its texts */
    enum variant variant;
    enum attempt_role role;
    uint64_t timeout_us; /* of each attempt, resolving included; 0: PROBER_TIMEOUT_US */
    unsigned flags;      /* enum probe_flags */
    uint64_t round_id;   /* kept in the attempts */
    int64_t slot_us;     /* kept in the attempts */
    /** VARIANT_ISSUER and VARIANT_OCSP: the case so far, whose certificates name the third party that is asked in place of
     * the endpoint; borrowed, and not to change, until done. */
    const struct case_file *about;
};

/**
 * One finished attempt. Always from the loop, never before prober_probe returns.
 * @param attempt  takes: the receiver frees it with attempt_free. Its chain has the certificates' DER. Its
 * endpoint is the job's, with flow.destination as the address that was tried. NULL only without memory.
 * @param last     the job is complete: nothing more comes for it.
 */
typedef void (*probe_done)(struct attempt *attempt, bool last, void *arg);

/**
 * Loads the trust store (reads files: call it before the loop is busy).
 * @param ret_why  on failure one line that may be printed; the caller frees it.
 * @return NULL on failure.
 */
struct prober *prober_new(uv_loop_t *loop, const struct prober_options *options, char **ret_why);

/**
 * Queues a job. It gives one attempt when the address is pinned or resolving failed, else one per address
 * family that has an address (or per address, with PROBE_ALL_ADDRESSES).
 * @return false without memory; done is then never called.
 */
bool prober_probe(struct prober *prober, const struct probe_job *job, probe_done done, void *arg);

/** Other limits, from now on; as in the options. */
void prober_limit(struct prober *prober, unsigned concurrency, unsigned address_concurrency);

/** `allow` may answer otherwise now: asks it about every running attempt, and ends those it refuses as LOCAL_POLICY. */
void prober_judge_again(struct prober *prober);

/** Ends every queued and running attempt as LOCAL_CANCELLED; their callbacks follow from the loop. */
void prober_cancel(struct prober *prober);

/** Jobs not complete yet. */
unsigned prober_pending(const struct prober *prober);

/**
 * Cancels everything, closes every handle, frees the prober and then calls closed(arg), from the loop. No
 * other call after it.
 * @param closed  may be NULL.
 */
void prober_close(struct prober *prober, void (*closed)(void *arg), void *arg);

#endif
