#ifndef PARALLAX_WORDS_SHAPE_PARTS_H
#define PARALLAX_WORDS_SHAPE_PARTS_H

#include "words/shape.h"

#include <string.h>

/* What shape_tell.c and shape_apply.c share, and nobody else: how an earlier record is read, and what is foreseen from it. */

enum { SHAPE_STAMPS = 32, SHAPE_RUN_CODES = 3 };

/* A record of a known shape, read step by step. */
struct shape_reading {
    const uint8_t *at;
    const uint8_t *ends[SHAPE_MAX_DEPTH]; /* of the messages that are open, the record itself first */
    size_t depth;
};

static inline struct shape_reading shape_reading_of(struct bytes record)
{
    return (struct shape_reading){.at = record.data, .ends = {record.data + record.length}};
}

static inline bool shape_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    if (*at < end && **at < 0x80) {
        *ret_value = *(*at)++;
        return true;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* Is the next field this one? Its tag is taken then. */
static inline bool shape_at(struct shape_reading *reading, const struct shape_step *step)
{
    const uint8_t *at = reading->at;
    size_t left = (size_t)(reading->ends[reading->depth] - at);
    if (left < step->tag_length || at[0] != step->tag[0] || (step->tag_length == 2 && at[1] != step->tag[1]))
        return false;
    reading->at += step->tag_length;
    return true;
}

/* A number; 0 when it is not there. @return false when what is there is none. */
static inline bool shape_number(struct shape_reading *reading, const struct shape_step *step,
                                uint64_t *ret_value)
{
    *ret_value = 0;
    return !shape_at(reading, step) || shape_varint(&reading->at, reading->ends[reading->depth], ret_value);
}

static inline bool shape_length(struct shape_reading *reading, struct bytes *ret_run)
{
    uint64_t length = 0;
    const uint8_t *end = reading->ends[reading->depth];
    if (!shape_varint(&reading->at, end, &length) || length > (uint64_t)(end - reading->at))
        return false;
    *ret_run = (struct bytes){reading->at, (size_t)length};
    return true;
}

static inline bool shape_fields(struct shape_reading *reading, const struct shape_step *step,
                                struct bytes *ret_run)
{
    const uint8_t *begin = reading->at;
    while (shape_at(reading, step)) {
        struct bytes field;
        if (!shape_length(reading, &field))
            return false;
        reading->at += field.length;
    }
    *ret_run = (struct bytes){begin, (size_t)(reading->at - begin)};
    return true;
}

/* Bytes; none when they are not there. @return false when what is there is none. */
static inline bool shape_run(struct shape_reading *reading, const struct shape_step *step,
                             struct bytes *ret_run)
{
    *ret_run = (struct bytes){reading->at, 0};
    if (step->tag_length == 0) /* the whole record */
        ret_run->length = (size_t)(reading->ends[0] - reading->at);
    else if (step->kind == SHAPE_FIELDS)
        return shape_fields(reading, step, ret_run);
    else if (shape_at(reading, step) && !shape_length(reading, ret_run))
        return false;
    reading->at += ret_run->length;
    return true;
}

static inline bool shape_open(struct shape_reading *reading, const struct shape_step *step)
{
    struct bytes message;
    if (!shape_at(reading, step) || !shape_length(reading, &message))
        return false;
    reading->ends[++reading->depth] = message.data + message.length;
    return true;
}

static inline bool shape_close(struct shape_reading *reading)
{
    return reading->at == reading->ends[reading->depth--];
}

static inline bool shape_ended(const struct shape_reading *reading)
{
    return reading->at == reading->ends[0];
}

/* --- what is foreseen ------------------------------------------------------------------------------------------------------- */

/* The times of a record so far, and of the one before it. */
struct foresight {
    size_t drift, count;
    uint64_t now[SHAPE_STAMPS], before[SHAPE_STAMPS];
};

/* Times of an attempt go with those that were next to them the last time. */
static inline uint64_t foresee_stamp(const struct foresight *sight, uint64_t before)
{
    size_t nearest = 0;
    uint64_t least = UINT64_MAX;
    if (before == 0 || sight->count == 0)
        return before;
    for (size_t i = sight->count; i > 0 && least > 0; i--) {
        uint64_t other = sight->before[i - 1], away = other > before ? other - before : before - other;
        if (away < least) {
            least = away;
            nearest = i - 1;
        }
    }
    return sight->now[nearest] + (before - sight->before[nearest]);
}

static inline uint64_t foresee(const struct shape *shape, const struct foresight *sight, unsigned kind,
                               uint64_t before)
{
    if (kind == SHAPE_STAMP)
        return foresee_stamp(sight, before);
    return kind == SHAPE_DRIFT ? before + shape->drifts[sight->drift] : before;
}

static inline void foresight_note(struct shape *shape, struct foresight *sight, unsigned kind,
                                  uint64_t before, uint64_t now)
{
    if (kind == SHAPE_DRIFT)
        shape->drifts[sight->drift++] = now - before;
    if (kind != SHAPE_STAMP || before == 0 || now == 0 || sight->count == SHAPE_STAMPS)
        return;
    sight->now[sight->count] = now;
    sight->before[sight->count++] = before;
}

/* Small where the difference is, to either side. */
static inline uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ (0 - (difference >> 63));
}

static inline uint64_t unzigzag(uint64_t code)
{
    return code >> 1 ^ (0 - (code & 1));
}

static inline bool shape_is_run(unsigned kind)
{
    return kind == SHAPE_TEXT || kind == SHAPE_NOISE || kind == SHAPE_FIELDS;
}

#endif
