#include "link/pack_parts.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* The inverse of pack.c, where the format is. What it reads is a stranger's: a batch that breaks a rule ends the connection. */

enum { MOST_ROWS = MESSAGE_MAX_RECORDS };

struct unpacking {
    struct pack *pack;
    struct bytes stream, noise; /* what is left of them */
    size_t row_count;
    struct pack_row rows[MOST_ROWS];
    struct bytes records[MOST_ROWS];
    uint64_t *codes;
    struct buf out; /* the records */
};

static bool take_size(struct unpacking *unpacking, size_t most, size_t *ret_size)
{
    uint64_t size = 0;
    if (!varint_take(&unpacking->stream, &size) || size > most)
        return false;
    *ret_size = (size_t)size;
    return true;
}

static bool take_bytes(struct bytes *from, size_t length, struct bytes *ret_bytes)
{
    if (length > from->length)
        return false;
    *ret_bytes = (struct bytes){from->data, length};
    *from = (struct bytes){from->data + length, from->length - length};
    return true;
}

/* --- what comes before the codes ------------------------------------------------------------------------------------ */

static bool take_shapes(struct unpacking *unpacking)
{
    size_t anew = 0, count = 0;
    if (!take_size(unpacking, 1, &anew))
        return false;
    if (anew == 1)
        pack_forget(unpacking->pack);
    bool taken = pack_begin(unpacking->pack) && take_size(unpacking, PACK_SHAPES, &count);
    for (size_t i = 0, length = 0; taken && i < count; i++) {
        struct bytes shape;
        taken = take_size(unpacking, SHAPE_MAX_BYTES, &length) &&
                take_bytes(&unpacking->stream, length, &shape) && pack_add_shape(unpacking->pack, shape);
    }
    return taken;
}

static bool take_rows(struct unpacking *unpacking)
{
    struct pack_row *rows = unpacking->rows;
    bool taken = take_size(unpacking, MOST_ROWS, &unpacking->row_count);
    for (size_t i = 0; taken && i < unpacking->row_count; i++)
        taken = take_size(unpacking, unpacking->pack->shape_count - 1, &rows[i].shape);
    for (size_t i = 0; taken && i < unpacking->row_count; i++) {
        taken = varint_take(&unpacking->stream, &rows[i].back);
        rows[i].instead = (rows[i].back & 1) != 0;
        rows[i].back >>= 1;
    }
    return taken;
}

/* @param most  codes; a batch that an agent makes has fewer than bytes. */
static bool make_room(struct unpacking *unpacking, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < unpacking->row_count; i++) {
        unpacking->rows[i].first = count;
        count += unpacking->pack->shapes[unpacking->rows[i].shape].codes;
    }
    unpacking->codes = count > most ? NULL : calloc(count + 1, sizeof *unpacking->codes);
    return unpacking->codes != NULL;
}

/* @param firsts  of the codes of the records of one shape. */
static bool take_column(struct unpacking *unpacking, const size_t *firsts, size_t count, size_t column)
{
    size_t any = 0;
    bool taken = take_size(unpacking, 1, &any);
    for (size_t i = 0; taken && any == 1 && i < count; i++)
        taken = varint_take(&unpacking->stream, &unpacking->codes[firsts[i] + column]);
    return taken;
}

static bool take_columns(struct unpacking *unpacking)
{
    size_t firsts[MOST_ROWS];
    bool taken = true;
    for (size_t shape = 0; taken && shape < unpacking->pack->shape_count; shape++) {
        size_t count = 0;
        for (size_t i = 0; i < unpacking->row_count; i++)
            if (unpacking->rows[i].shape == shape)
                firsts[count++] = unpacking->rows[i].first;
        for (size_t column = 0; taken && count > 0 && column < unpacking->pack->shapes[shape].codes; column++)
            taken = take_column(unpacking, firsts, count, column);
    }
    return taken;
}

/* --- records --------------------------------------------------------------------------------------------------------- */

static bool take_record(struct unpacking *unpacking, size_t nth)
{
    const struct pack_row *row = &unpacking->rows[nth];
    const struct pack_record *earlier = pack_back(unpacking->pack, row->back);
    size_t begin = unpacking->out.len;
    if (((row->back > 0 || row->instead) && (earlier == NULL || earlier->shape != row->shape)) ||
        !shape_apply(&unpacking->pack->shapes[row->shape], pack_bytes(earlier), unpacking->codes + row->first,
                     &unpacking->stream, &unpacking->noise, &unpacking->out))
        return false;
    unpacking->records[nth].length = unpacking->out.len - begin;
    const struct bytes record = {unpacking->out.data + begin, unpacking->out.len - begin};
    return pack_keep(unpacking->pack, record, row, 0);
}

/* The message: where the records are is known when none is added any more. */
static bool write_batch(struct unpacking *unpacking, struct buf *out)
{
    const uint8_t *at = unpacking->out.data;
    for (size_t i = 0; i < unpacking->row_count; i++) {
        unpacking->records[i].data = at;
        at += unpacking->records[i].length;
    }
    return message_encode_batch(unpacking->records, unpacking->row_count, out);
}

static bool take_batch(struct unpacking *unpacking, size_t max_bytes, struct buf *out)
{
    bool taken = take_shapes(unpacking) && take_rows(unpacking) && make_room(unpacking, max_bytes) &&
                 take_columns(unpacking);
    for (size_t i = 0; taken && i < unpacking->row_count; i++)
        taken = take_record(unpacking, i);
    return taken && unpacking->stream.length == 0 && unpacking->noise.length == 0 &&
           write_batch(unpacking, out);
}

/* One for all: a collector unpacks for thousands. */
static ZSTD_DCtx *context_of_thread(void)
{
    static _Thread_local ZSTD_DCtx *context;
    if (context == NULL)
        context = ZSTD_createDCtx();
    return context;
}

static bool decompress(struct bytes zstd, size_t max_bytes, struct buf *out)
{
    ZSTD_DCtx *context = context_of_thread();
    unsigned long long size = ZSTD_getFrameContentSize(zstd.data, zstd.length);
    if (context == NULL || size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
        size > max_bytes)
        return false;
    uint8_t *room = buf_room(out, (size_t)size);
    size_t length =
        room == NULL ? 0 : ZSTD_decompressDCtx(context, room, (size_t)size, zstd.data, zstd.length);
    if (room == NULL || ZSTD_isError(length) != 0 || length != size)
        return false;
    buf_grew(out, length);
    return true;
}

bool unpack_batch(struct pack *pack, const struct packed *packed, size_t max_bytes, struct buf *out)
{
    struct unpacking *unpacking = malloc(sizeof *unpacking);
    struct buf stream;
    buf_init(&stream, 0);
    bool unpacked = unpacking != NULL && decompress(packed->zstd, max_bytes, &stream);
    if (unpacked) {
        unpacking->pack = pack;
        unpacking->stream = (struct bytes){stream.data, stream.len};
        unpacking->noise = packed->noise;
        unpacking->codes = NULL;
        buf_init(&unpacking->out, max_bytes);
        unpacked = take_batch(unpacking, max_bytes, out);
        free(unpacking->codes);
        buf_done(&unpacking->out);
    }
    free(unpacking);
    buf_done(&stream);
    return unpacked;
}
