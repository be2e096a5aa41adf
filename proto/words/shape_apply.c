#include "words/shape_parts.h"

/*
 * Most of what a collector reads goes through here, so fields are written where there is room for them already: it is made for all
 * numbers and lengths of a record at its beginning, and for each run of bytes when it is known.
 */

enum { TAG_BYTES = 2, NUMBER_BYTES = 10, FIELD_BYTES = TAG_BYTES + NUMBER_BYTES };

struct applying {
    struct shape *shape;
    struct shape_reading before;
    struct foresight sight;
    bool first; /* there is nothing before */
    const uint64_t *codes;
    struct bytes *texts, *noise;
    struct buf *out;
    size_t fields; /* that room is for, at least */
    uint8_t *at, *end;
    size_t begins[SHAPE_MAX_DEPTH], depth; /* of the messages that are open, in out */
};

static bool make_room(struct applying *applying, size_t length)
{
    size_t needed = length + applying->fields * FIELD_BYTES;
    if (applying->at != NULL && (size_t)(applying->end - applying->at) >= needed)
        return true;
    if (applying->at != NULL)
        buf_grew(applying->out, (size_t)(applying->at - (applying->out->data + applying->out->len)));
    applying->at = buf_room(applying->out, needed);
    if (applying->at == NULL)
        return false;
    applying->end = applying->at + needed;
    return true;
}

static inline void put_tag(struct applying *applying, const struct shape_step *step)
{
    memcpy(applying->at, step->tag, TAG_BYTES);
    applying->at += step->tag_length;
}

static inline void put_varint(struct applying *applying, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *applying->at++ = (uint8_t)(value | 0x80);
    *applying->at++ = (uint8_t)value;
}

static inline bool apply_number(struct applying *applying, const struct shape_step *step)
{
    uint64_t before = 0;
    if (!applying->first && !shape_number(&applying->before, step, &before))
        return false;
    uint64_t now =
        foresee(applying->shape, &applying->sight, step->kind, before) + unzigzag(*applying->codes++);
    foresight_note(applying->shape, &applying->sight, step->kind, before, now);
    if (now == 0)
        return true;
    put_tag(applying, step);
    put_varint(applying, now);
    return true;
}

static bool apply_run(struct applying *applying, const struct shape_step *step)
{
    struct bytes before = {applying->before.at, 0};
    struct bytes *from = step->kind == SHAPE_NOISE ? applying->noise : applying->texts;
    if (!applying->first && !shape_run(&applying->before, step, &before))
        return false;
    uint64_t old = applying->codes[0], length = before.length + unzigzag(applying->codes[1]);
    uint64_t last = applying->codes[2];
    applying->codes += SHAPE_RUN_CODES;
    if (old > before.length || last > before.length - old)
        return false;
    size_t first = before.length - (size_t)old - (size_t)last, kept = first + (size_t)last;
    if (length < kept || length - kept > from->length)
        return false;
    size_t new = (size_t)length - kept;
    if (length == 0)
        return true;
    if (!make_room(applying, (size_t)length))
        return false;
    if (step->kind != SHAPE_FIELDS) {
        put_tag(applying, step);
        put_varint(applying, length);
    }
    memcpy(applying->at, before.data, first);
    memcpy(applying->at + first, from->data, new);
    memcpy(applying->at + first + new, before.data + before.length - last, last);
    applying->at += length;
    *from = (struct bytes){from->data + new, from->length - new};
    return true;
}

static bool apply_open(struct applying *applying, const struct shape_step *step)
{
    if (!applying->first && !shape_open(&applying->before, step))
        return false;
    put_tag(applying, step);
    applying->at++; /* for its length */
    applying->begins[applying->depth++] = (size_t)(applying->at - applying->out->data);
    return true;
}

/* The length of a message is known at its end. It has a byte before its first already, and may need more. */
static bool apply_close(struct applying *applying)
{
    if (!applying->first && !shape_close(&applying->before))
        return false;
    uint8_t *begin = applying->out->data + applying->begins[--applying->depth];
    size_t length = (size_t)(applying->at - begin), more = 0;
    for (size_t left = length; left >= 0x80; left >>= 7)
        more++;
    if (more > 0)
        memmove(begin + more, begin, length);
    applying->at = begin - 1;
    put_varint(applying, length);
    applying->at += length;
    return true;
}

static inline bool apply_step(struct applying *applying, const struct shape_step *step)
{
    if (step->kind == SHAPE_OPEN)
        return apply_open(applying, step);
    if (step->kind == SHAPE_CLOSE)
        return apply_close(applying);
    return shape_is_run(step->kind) ? apply_run(applying, step) : apply_number(applying, step);
}

bool shape_apply(struct shape *shape, struct bytes before, const uint64_t *codes, struct bytes *texts,
                 struct bytes *noise, struct buf *out)
{
    struct applying applying = {.shape = shape,
                                .before = shape_reading_of(before),
                                .first = before.length == 0,
                                .codes = codes,
                                .texts = texts,
                                .noise = noise,
                                .out = out,
                                .fields = shape->step_count};
    bool applied = make_room(&applying, 0);
    for (size_t i = 0; applied && i < shape->step_count; i++)
        applied = apply_step(&applying, &shape->steps[i]);
    if (applied)
        buf_grew(out, (size_t)(applying.at - (out->data + out->len)));
    return applied && shape_ended(&applying.before);
}
