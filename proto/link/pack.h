#ifndef PARALLAX_LINK_PACK_H
#define PARALLAX_LINK_PACK_H

#include "words/buf.h"
#include "words/message.h"

/*
 * Payloads compressed with zstd (RFC 8878), each with the end of what went before it as its dictionary: one attempt is much like the
 * one before. Both sides keep that end, and since a connection loses nothing and mixes nothing up, it is the same on both. One of
 * these for each direction of a connection; zeroed is ready.
 */
struct pack {
    struct buf history;
};

enum { PACK_HISTORY_BYTES = 32767 }; /* with the byte that a buf has beyond its end, a power of two */

/** Appends the packed payload to out, which is part of the history then. @return false without memory. */
bool pack(struct pack *pack, struct bytes payload, struct buf *out);

/**
 * The inverse.
 * @param max_bytes  more than this is not unpacked, whatever the packed bytes say.
 * @return false without memory, and when the bytes are not what the other side packed next.
 */
bool unpack_payload(struct pack *pack, struct bytes packed, size_t max_bytes, struct buf *out);

void pack_done(struct pack *pack);

#endif
