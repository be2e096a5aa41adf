#include "crowd_parts.h"

void member_pack(struct member *member, struct waiting *waiting)
{
    struct buf zstd;
    if (member->packed.most_bytes == 0)
        return;
    buf_init(&zstd, 0);
    if (!pack(&member->packed, (struct bytes){waiting->payload.data, waiting->payload.len}, &zstd))
        die("cannot pack a batch");
    const struct message message = {.kind = MESSAGE_PACKED, .packed = {.zstd = {zstd.data, zstd.len}}};
    buf_clear(&waiting->payload);
    if (!message_encode(&message, &waiting->payload))
        die("cannot encode what is packed");
    crowd.packed_bytes += waiting->payload.len;
    buf_done(&zstd);
}
