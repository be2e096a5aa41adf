#ifndef PARALLAX_PROBE_WIRE_H
#define PARALLAX_PROBE_WIRE_H

#include "words/evidence.h"

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bytes of one probed connection, between a nonblocking socket and OpenSSL. OpenSSL never touches the
 * socket: what happens on it is noted here first, because
 *
 *   - recv(MSG_PEEK) before the handshake would eat ECONNRESET, and a reset would read as a close;
 *   - after an EOF OpenSSL sends an alert, the peer answers with a reset, and TCP_INFO and errno tell that
 * story instead of the true one. So `on_end` is called, to take TCP_INFO, before OpenSSL hears of the end,
 * and from then on nothing goes out;
 *   - a write that fails may stand before an alert which waits to be read. So a failed write is noted and
 *     swallowed, and OpenSSL learns the end of the connection from reading.
 */

enum {
    WIRE_MAX_RECEIVED_BYTES = 1024 * 1024, /* of one attempt; more is treated as the end */
    WIRE_PIECE_BYTES = 128,
};

struct wire {
    int fd;
    bool eof;   /* a read gave 0 */
    bool ended; /* eof or error on reading: no more comes and nothing more goes out */
    bool mute;  /* a write failed: nothing more goes out */
    bool flooded;
    bool dry;    /* all that has come was read; nothing is read until wire_seen says that there is more */
    bool ending; /* an end or an error has come, and waits behind what is there to read */
    bool last;   /* the connection is closed behind what is written now, and both go in one segment */
    bool
        in_pieces; /* until the first bytes come, each write sends at most WIRE_PIECE_BYTES and the next one waits */
    bool between;  /* a piece was sent and the next one waits: clear it to go on */
    int32_t error; /* the first errno */
    enum evidence_call error_call;
    uint64_t sent_bytes;
    uint64_t received_bytes;
    uint64_t reads; /* that gave bytes */
    uint8_t first_bytes[EVIDENCE_FIRST_BYTES];
    size_t first_byte_count;
    void (*on_sent)(void *arg);     /* first bytes handed to the kernel; may be NULL */
    void (*on_received)(void *arg); /* first bytes came; may be NULL */
    void (*on_bytes)(bool sent, const void *bytes, size_t length,
                     void *arg); /* all that passes; may be NULL */
    void (*on_end)(void *arg);   /* before OpenSSL hears of the end; once; may be NULL */
    void *arg;
};

/** @param fd  nonblocking socket, borrowed; -1 when there is none yet. Callbacks are set by the owner
 * afterwards. It is taken for readable until it is found dry. */
void wire_init(struct wire *wire, int fd);

/** The poller saw something: there may be more to read, and the end behind it. */
void wire_seen(struct wire *wire, bool readable, bool ending);

/**
 * Reads or writes once. @return bytes, 0 at the end (also when an error ended it: see `error`), -1 when it
 * would block. wire_write claims success once the connection has ended or failed.
 */
int wire_read(struct wire *wire, void *bytes, size_t length);
int wire_write(struct wire *wire, const void *bytes, size_t length);

/** Fills up `first_bytes` with what has already arrived: libssl gives up on the first five that are no record. */
void wire_complete_first(struct wire *wire);

/** A BIO over the wire, which must outlive it. @return NULL without memory. */
BIO *wire_bio(struct wire *wire);

#endif
