#include "link/pack_parts.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/*
 * A packed batch. Each record has a shape (words/shape.h), and is told by an earlier one of that shape: the last of its endpoint. Codes, which
 * say how it differs, stand in columns, those of one field of all records of the batch together, since what is alike next to each
 * other is what zstd makes small:
 *
 *     zstd( 1 when all that is kept is to be forgotten first, else 0
 *           how many shapes are new, each of them: its length, itself
 *           how many records there are; the shape of each; of each, how many of those that are kept come after the earlier one, and one,
 *               0 for none, times 2, and 1 more when it is kept in place of that one
 *           for each shape that a record has, in the order of the shapes, for each of its codes: 0 when it is 0 in all records, else
 *               1, and that code of each record of this shape
 *           the new bytes of texts, record by record )
 *     noise: the new bytes of hashes, addresses and of what a server said first, record by record
 *
 * All numbers are varints.
 */

enum { PACK_LEVEL = 6 };

/* The last record of this endpoint and shape; or of this shape. */
static void find_back(const struct pack *pack, uint64_t endpoint_id, struct pack_row *row)
{
    for (uint64_t back = 1; back <= pack->count && !row->instead; back++) {
        const struct pack_record *record = pack_back(pack, back);
        if (record->shape != row->shape)
            continue;
        row->instead = record->endpoint_id == endpoint_id;
        if (row->instead || row->back == 0)
            row->back = back;
    }
}

/* --- records ----------------------------------------------------------------------------------------------------- */

struct packing {
    struct pack *pack;
    struct buf stream, texts;
    struct buf *noise;
    size_t row_count;
    struct pack_row *rows;
    uint64_t *codes;
};

static bool put_record(struct packing *packing, struct bytes record, struct pack_row *row)
{
    struct pack *pack = packing->pack;
    uint64_t endpoint_id = record_endpoint(record);
    find_back(pack, endpoint_id, row);
    return shape_tell(&pack->shapes[row->shape], pack_bytes(pack_back(pack, row->back)), record,
                      packing->codes + row->first, &packing->texts, packing->noise) &&
           pack_keep(pack, record, row, endpoint_id);
}

static bool put_records(struct packing *packing, const struct bytes *records)
{
    size_t codes = 0;
    for (size_t i = 0; i < packing->row_count; i++) {
        packing->rows[i].first = codes;
        codes += packing->pack->shapes[packing->rows[i].shape].codes;
    }
    packing->codes = calloc(codes + 1, sizeof *packing->codes);
    bool put = packing->codes != NULL;
    for (size_t i = 0; put && i < packing->row_count; i++)
        put = put_record(packing, records[i], &packing->rows[i]);
    for (size_t i = 0; put && i < packing->row_count; i++)
        put = varint_put(&packing->stream, packing->rows[i].back << 1 | packing->rows[i].instead);
    return put;
}

/* --- shapes ------------------------------------------------------------------------------------------------------ */

static bool find_shape(const struct pack *pack, struct bytes steps, size_t *ret_shape)
{
    for (size_t i = 0; i < pack->shape_count; i++) {
        const struct buf *known = &pack->shapes[i].bytes;
        if (known->len != steps.length || memcmp(known->data, steps.data, steps.length) != 0)
            continue;
        *ret_shape = i;
        return true;
    }
    return false;
}

/* @return how many records go as they are, for want of room for their shapes. */
static size_t find_shapes(struct packing *packing, const struct bytes *records)
{
    struct pack *pack = packing->pack;
    struct buf steps;
    size_t homeless = 0;
    buf_init(&steps, 0);
    for (size_t i = 0; i < packing->row_count; i++) {
        struct pack_row *row = &packing->rows[i];
        row->shape = 0;
        if (!shape_of(records[i], &steps))
            continue;
        struct bytes shape = {steps.data, steps.len};
        if (find_shape(pack, shape, &row->shape))
            continue;
        if (pack_add_shape(pack, shape))
            row->shape = pack->shape_count - 1;
        else
            homeless++;
    }
    buf_done(&steps);
    return homeless;
}

/* When most of the batch finds no room, what is kept is of no use any more. @return false without memory. */
static bool choose_shapes(struct packing *packing, const struct bytes *records, size_t *ret_known,
                          bool *ret_anew)
{
    struct pack *pack = packing->pack;
    *ret_anew = pack->shape_count == 0;
    if (!pack_begin(pack))
        return false;
    *ret_known = pack->shape_count;
    if (find_shapes(packing, records) * 2 <= packing->row_count || *ret_anew)
        return true;
    pack_forget(pack);
    *ret_anew = true;
    *ret_known = 1;
    if (!pack_begin(pack))
        return false;
    (void)find_shapes(packing, records);
    return true;
}

static bool put_head(struct packing *packing, const struct bytes *records)
{
    struct pack *pack = packing->pack;
    size_t known = 0;
    bool anew = false, put = choose_shapes(packing, records, &known, &anew) &&
                             varint_put(&packing->stream, anew) &&
                             varint_put(&packing->stream, pack->shape_count - known);
    for (size_t i = known; put && i < pack->shape_count; i++) {
        const struct buf *shape = &pack->shapes[i].bytes;
        put =
            varint_put(&packing->stream, shape->len) && buf_append(&packing->stream, shape->data, shape->len);
    }
    put = put && varint_put(&packing->stream, packing->row_count);
    for (size_t i = 0; put && i < packing->row_count; i++)
        put = varint_put(&packing->stream, packing->rows[i].shape);
    return put;
}

/* --- columns ----------------------------------------------------------------------------------------------------- */

static bool put_column(struct packing *packing, size_t shape, size_t column)
{
    uint64_t any = 0;
    for (size_t i = 0; i < packing->row_count; i++)
        if (packing->rows[i].shape == shape)
            any |= packing->codes[packing->rows[i].first + column];
    bool put = varint_put(&packing->stream, any != 0);
    for (size_t i = 0; put && any != 0 && i < packing->row_count; i++)
        if (packing->rows[i].shape == shape)
            put = varint_put(&packing->stream, packing->codes[packing->rows[i].first + column]);
    return put;
}

static bool put_columns(struct packing *packing)
{
    bool put = true, used[PACK_SHAPES] = {false};
    for (size_t i = 0; i < packing->row_count; i++)
        used[packing->rows[i].shape] = true;
    for (size_t shape = 0; put && shape < packing->pack->shape_count; shape++)
        for (size_t column = 0; put && used[shape] && column < packing->pack->shapes[shape].codes; column++)
            put = put_column(packing, shape, column);
    return put && buf_append(&packing->stream, packing->texts.data, packing->texts.len);
}

/* A context takes half a megabyte and more, so it is there only while it is used: an agent packs seldom. */
static bool compress(const struct buf *stream, struct buf *zstd)
{
    size_t bound = ZSTD_compressBound(stream->len);
    uint8_t *room = buf_room(zstd, bound);
    size_t length = room == NULL ? 0 : ZSTD_compress(room, bound, stream->data, stream->len, PACK_LEVEL);
    if (room == NULL || ZSTD_isError(length) != 0)
        return false;
    buf_grew(zstd, length);
    return true;
}

bool pack(struct pack *pack, const struct bytes *records, size_t count, struct buf *zstd, struct buf *noise)
{
    struct packing *packing = calloc(1, sizeof *packing);
    if (packing == NULL)
        return false;
    packing->pack = pack;
    packing->noise = noise;
    packing->row_count = count;
    packing->rows = calloc(count + 1, sizeof *packing->rows);
    bool packed = packing->rows != NULL && put_head(packing, records) && put_records(packing, records) &&
                  put_columns(packing) && compress(&packing->stream, zstd);
    buf_done(&packing->stream);
    buf_done(&packing->texts);
    free(packing->codes);
    free(packing->rows);
    free(packing);
    return packed;
}
