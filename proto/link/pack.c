#include "link/pack.h"

#include <zstd.h>

/* Level 6 takes 50 us for a batch of a few attempts; above it little is won. */
enum { PACK_LEVEL = 6 };

static bool remember(struct pack *pack, struct bytes payload)
{
    if (payload.length >= PACK_HISTORY_BYTES) {
        buf_clear(&pack->history);
        payload.data += payload.length - PACK_HISTORY_BYTES;
        payload.length = PACK_HISTORY_BYTES;
    } else if (pack->history.len + payload.length > PACK_HISTORY_BYTES) {
        buf_drop(&pack->history, pack->history.len + payload.length - PACK_HISTORY_BYTES);
    }
    return buf_append(&pack->history, payload.data, payload.length);
}

/* A context takes half a megabyte, so it is there only while it is used: an agent packs once a second. */
bool pack(struct pack *pack, struct bytes payload, struct buf *out)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound(payload.length);
    uint8_t *room = buf_room(out, bound);
    size_t length = 0;
    bool packed = context != NULL && room != NULL &&
                  ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, PACK_LEVEL)) == 0 &&
                  ZSTD_isError(ZSTD_CCtx_refPrefix(context, pack->history.data, pack->history.len)) == 0;
    if (packed)
        length = ZSTD_compress2(context, room, bound, payload.data, payload.length);
    packed = packed && ZSTD_isError(length) == 0 && remember(pack, payload);
    if (packed)
        buf_grew(out, length);
    (void)ZSTD_freeCCtx(context);
    return packed;
}

/* One for all: a collector unpacks for thousands. */
static ZSTD_DCtx *unpacking(void)
{
    static _Thread_local ZSTD_DCtx *context;
    if (context == NULL)
        context = ZSTD_createDCtx();
    return context;
}

bool unpack_payload(struct pack *pack, struct bytes packed, size_t max_bytes, struct buf *out)
{
    ZSTD_DCtx *context = unpacking();
    unsigned long long size = ZSTD_getFrameContentSize(packed.data, packed.length);
    if (context == NULL || size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
        size > max_bytes)
        return false;
    uint8_t *room = buf_room(out, (size_t)size);
    (void)ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters);
    if (room == NULL ||
        ZSTD_isError(ZSTD_DCtx_refPrefix(context, pack->history.data, pack->history.len)) != 0)
        return false;
    size_t length = ZSTD_decompressDCtx(context, room, (size_t)size, packed.data, packed.length);
    if (ZSTD_isError(length) != 0 || length != size)
        return false;
    const struct bytes payload = {room, length};
    buf_grew(out, length);
    return remember(pack, payload);
}

void pack_done(struct pack *pack)
{
    buf_done(&pack->history);
}
