#ifndef PARALLAX_WORDS_SHAPE_H
#define PARALLAX_WORDS_SHAPE_H

#include "words/buf.h"
#include "words/message.h"

/*
 * An encoded record told by how it differs from an earlier one with the same fields in the same order: of the same shape. A shape
 * says itself what it means: who puts a record together from it needs to know no schema. It is a run of varints, each a field's number times
 * 8 plus one of these:
 */
enum shape_kind {
    SHAPE_CLOSE,  /* the end of what OPEN began; number 0 */
    SHAPE_NUMBER, /* a varint; not there when 0 */
    SHAPE_STAMP,  /* the same, a time of the attempt: many of them move together */
    SHAPE_DRIFT,  /* the same, from one record to the next by the same step */
    SHAPE_TEXT,   /* bytes; not there when empty */
    SHAPE_NOISE,  /* the same, of a kind that does not get smaller when packed */
    SHAPE_OPEN,   /* a message, up to its CLOSE */
    SHAPE_FIELDS /* all fields of this number, as they stand; number 0: all of the record, which nobody can take apart */
};

enum { SHAPE_MAX_BYTES = 4096, SHAPE_MAX_DEPTH = 8, SHAPE_MAX_DRIFTS = 16 };

struct shape_step {
    uint8_t kind;
    uint8_t tag_length; /* of the field's tag in a record */
    uint8_t tag[2];
};

/** A shape that was checked. Zeroed is none. */
struct shape {
    struct buf bytes;
    struct shape_step *steps;
    size_t step_count;
    size_t codes;                      /* that a record of it takes */
    uint64_t drifts[SHAPE_MAX_DRIFTS]; /* the last step of each: what is foreseen of the next */
};

/** @return false without memory, and when the bytes are no shape within the bounds. */
bool shape_init(struct shape *shape, struct bytes bytes);
void shape_done(struct shape *shape);

/** Writes the shape of an encoded Record (cleared first); of one that cannot be put together again, that of a whole. @return false without memory. */
bool shape_of(struct bytes record, struct buf *bytes);

/**
 * How a record differs from an earlier one of its shape: a code for each number, how far it is from what was foreseen, and three for each run of
 * bytes: how many of the earlier one's gave way to others, how much longer it is, and how many at its end are the earlier one's. Most are 0, the
 * others small.
 * @param before        length 0: there is none.
 * @param ret_codes     room for shape->codes.
 * @param texts, noise  the new bytes of runs are appended to them.
 * @return false without memory, and when one of them has another shape.
 */
bool shape_tell(struct shape *shape, struct bytes before, struct bytes record, uint64_t *ret_codes,
                struct buf *texts, struct buf *noise);

/**
 * The inverse: appends the record.
 * @param texts, noise  what was taken is taken off their front.
 * @return false without memory, past out's ceiling, and when this cannot have been told of any record.
 */
bool shape_apply(struct shape *shape, struct bytes before, const uint64_t *codes, struct bytes *texts,
                 struct bytes *noise, struct buf *out);

/** Whose attempt an encoded record is; 0: no attempt's. */
uint64_t record_endpoint(struct bytes record);

/** A varint onto out, and off the front of bytes. */
bool varint_put(struct buf *out, uint64_t value);
bool varint_take(struct bytes *bytes, uint64_t *ret_value);

#endif
