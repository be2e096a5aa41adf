#include "crowd_parts.h"

#include "words/unpack.h"

/* The records of a batch as it is encoded. */
static size_t batch_records(struct bytes payload, struct bytes records[FLOOD_RECORDS])
{
    struct wire_field field;
    size_t count = 0;
    if (!wire_next(&payload, &field))
        die("not a batch");
    for (payload = field.bytes; count < FLOOD_RECORDS && wire_next(&payload, &field); count++)
        records[count] = field.bytes;
    return count;
}

void member_pack(struct member *member, struct waiting *waiting)
{
    struct bytes records[FLOOD_RECORDS];
    struct buf zstd, noise;
    if (member->packed.most_bytes == 0)
        return;
    buf_init(&zstd, 0);
    buf_init(&noise, 0);
    size_t count = batch_records((struct bytes){waiting->payload.data, waiting->payload.len}, records);
    if (!pack(&member->packed, records, count, &zstd, &noise))
        die("cannot pack a batch");
    const struct message message = {.kind = MESSAGE_PACKED,
                                    .packed = {{zstd.data, zstd.len}, {noise.data, noise.len}}};
    buf_clear(&waiting->payload);
    if (!message_encode(&message, &waiting->payload))
        die("cannot encode what is packed");
    crowd.packed_bytes += waiting->payload.len;
    buf_done(&zstd);
    buf_done(&noise);
}
