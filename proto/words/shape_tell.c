#include "words/shape_parts.h"

struct telling {
    struct shape *shape;
    struct shape_reading before, now;
    struct foresight sight;
    bool first; /* there is nothing before */
    uint64_t *codes;
    struct buf *texts, *noise;
};

static bool tell_run(struct telling *telling, const struct shape_step *step)
{
    struct bytes before = {telling->before.at, 0}, now;
    size_t first = 0, last = 0;
    if ((!telling->first && !shape_run(&telling->before, step, &before)) ||
        !shape_run(&telling->now, step, &now))
        return false;
    size_t most = before.length < now.length ? before.length : now.length;
    while (first < most && before.data[first] == now.data[first])
        first++;
    while (last < most - first && before.data[before.length - last - 1] == now.data[now.length - last - 1])
        last++;
    *telling->codes++ = before.length - first - last;
    *telling->codes++ = zigzag(now.length - before.length);
    *telling->codes++ = last;
    return buf_append(step->kind == SHAPE_NOISE ? telling->noise : telling->texts, now.data + first,
                      now.length - first - last);
}

static bool tell_number(struct telling *telling, const struct shape_step *step)
{
    uint64_t before = 0, now = 0;
    if ((!telling->first && !shape_number(&telling->before, step, &before)) ||
        !shape_number(&telling->now, step, &now))
        return false;
    *telling->codes++ = zigzag(now - foresee(telling->shape, &telling->sight, step->kind, before));
    foresight_note(telling->shape, &telling->sight, step->kind, before, now);
    return true;
}

static bool tell_step(struct telling *telling, const struct shape_step *step)
{
    if (step->kind == SHAPE_OPEN)
        return (telling->first || shape_open(&telling->before, step)) && shape_open(&telling->now, step);
    if (step->kind == SHAPE_CLOSE)
        return (telling->first || shape_close(&telling->before)) && shape_close(&telling->now);
    return shape_is_run(step->kind) ? tell_run(telling, step) : tell_number(telling, step);
}

bool shape_tell(struct shape *shape, struct bytes before, struct bytes record, uint64_t *ret_codes,
                struct buf *texts, struct buf *noise)
{
    struct telling telling = {.shape = shape,
                              .before = shape_reading_of(before),
                              .now = shape_reading_of(record),
                              .first = before.length == 0,
                              .codes = ret_codes,
                              .texts = texts,
                              .noise = noise};
    bool told = true;
    for (size_t i = 0; told && i < shape->step_count; i++)
        told = tell_step(&telling, &shape->steps[i]);
    return told && shape_ended(&telling.before) && shape_ended(&telling.now);
}
