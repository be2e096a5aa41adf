#ifndef PARALLAX_LINK_PACK_H
#define PARALLAX_LINK_PACK_H

#include "words/message.h"
#include "words/shape.h"

/*
 * Records on their way to a collector, made small by what went before them: the last attempt at an endpoint is much like the one before,
 * but for times, a port and what is random. Both sides keep the last records that went over the connection, and since it loses nothing and mixes
 * nothing up, they are the same on both. See pack.c for what a packed batch is.
 *
 * One of these for each direction of a connection; zeroed is ready, and keeps nothing.
 */
struct pack {
    size_t most_bytes; /* of what is kept; both sides have to agree */
    size_t kept_bytes;
    size_t shape_count;
    struct shape *shapes;
    size_t first, count, room; /* of records */
    struct pack_record *records;
};

/* What a collector keeps of one agent, while there are few of them and when there are many. An attempt is about 1.5 KB. */
enum { PACK_MOST_BYTES = 512 * 1024, PACK_LEAST_BYTES = 16 * 1024 };

/** Appends the packed records to zstd and noise; they are part of what is kept then. @return false without memory. */
bool pack(struct pack *pack, const struct bytes *records, size_t count, struct buf *zstd, struct buf *noise);

/**
 * The inverse: appends the message (link.proto) that is a batch of them.
 * @param max_bytes  more than this is not unpacked, whatever the packed bytes say.
 * @return false without memory, and when the bytes are not what the other side packed next.
 */
bool unpack_batch(struct pack *pack, const struct packed *packed, size_t max_bytes, struct buf *out);

void pack_done(struct pack *pack);

#endif
