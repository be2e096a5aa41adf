#ifndef PARALLAX_LINK_PACK_PARTS_H
#define PARALLAX_LINK_PACK_PARTS_H

#include "link/pack.h"

/* What pack.c, unpack_batch.c and pack_kept.c share, and nobody else. */

enum {
    PACK_SHAPES = 256,
    PACK_RECORD_BYTES = 64, /* what keeping a record takes beside its bytes, at most */
};

struct pack_record {
    uint8_t *data;
    size_t length;
    size_t shape;
    uint64_t endpoint_id; /* known to who packs */
};

/** One record of a batch. */
struct pack_row {
    size_t shape;  /* which */
    uint64_t back; /* so many records before this one is what it is told by; 0: none */
    bool instead;  /* it is kept in place of that one, which is of the same endpoint */
    size_t first;  /* of its codes */
};

/** Puts in the shape that is always there, of records that nobody can take apart. @return false without memory. */
bool pack_begin(struct pack *pack);

/** Forgets all. */
void pack_forget(struct pack *pack);

/** Adds a shape. @return false without memory, when it is none, and when there is no room for it. */
bool pack_add_shape(struct pack *pack, struct bytes shape);

/** Keeps a copy of the record of a row, and drops the oldest until there is room. @return false without memory. */
bool pack_keep(struct pack *pack, struct bytes record, const struct pack_row *row, uint64_t endpoint_id);

/** The record that came so many before the next; NULL: it is not kept. */
const struct pack_record *pack_back(const struct pack *pack, uint64_t back);

/** Its bytes; none of NULL. */
struct bytes pack_bytes(const struct pack_record *record);

#endif
