#include "link/pack_parts.h"

#include <stdlib.h>
#include <string.h>

/* What both sides keep: shapes, and the last records, as many as there is room for. */

void pack_forget(struct pack *pack)
{
    for (size_t i = 0; i < pack->shape_count; i++)
        shape_done(&pack->shapes[i]);
    for (size_t i = 0; i < pack->count; i++)
        free(pack->records[pack->first + i].data);
    pack->shape_count = pack->first = pack->count = pack->kept_bytes = 0;
}

void pack_done(struct pack *pack)
{
    pack_forget(pack);
    free(pack->shapes);
    free(pack->records);
    *pack = (struct pack){.most_bytes = pack->most_bytes};
}

bool pack_begin(struct pack *pack)
{
    static const uint8_t whole = SHAPE_FIELDS;
    return pack->shape_count > 0 || pack_add_shape(pack, (struct bytes){&whole, 1});
}

/* A step takes four bytes, and is said by one at least. */
static size_t shape_takes(size_t length)
{
    return sizeof(struct shape) + length * (1 + sizeof(struct shape_step));
}

/* Shapes may take as much as half of what records may. */
bool pack_add_shape(struct pack *pack, struct bytes shape)
{
    size_t taken = shape_takes(shape.length);
    for (size_t i = 0; i < pack->shape_count; i++)
        taken += shape_takes(pack->shapes[i].bytes.len);
    if (pack->shape_count == PACK_SHAPES || (taken > pack->most_bytes / 2 && pack->shape_count > 0))
        return false;
    struct shape *grown = realloc(pack->shapes, (pack->shape_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    pack->shapes = grown;
    if (!shape_init(&grown[pack->shape_count], shape))
        return false;
    pack->shape_count++;
    return true;
}

/* In most cases it is the oldest, or near it. */
static void drop(struct pack *pack, uint64_t back)
{
    struct pack_record *records = &pack->records[pack->first];
    size_t at = pack->count - (size_t)back;
    pack->kept_bytes -= records[at].length + PACK_RECORD_BYTES;
    free(records[at].data);
    memmove(records + 1, records, at * sizeof *records);
    pack->first++;
    pack->count--;
}

/* Room for one more at the end. */
static bool make_room(struct pack *pack)
{
    if (pack->first + pack->count < pack->room)
        return true;
    if (pack->first > pack->count) {
        memmove(pack->records, pack->records + pack->first, pack->count * sizeof *pack->records);
        pack->first = 0;
        return true;
    }
    size_t room = pack->room == 0 ? 16 : pack->room * 2;
    struct pack_record *grown = realloc(pack->records, room * sizeof *grown);
    if (grown == NULL)
        return false;
    pack->records = grown;
    pack->room = room;
    return true;
}

bool pack_keep(struct pack *pack, struct bytes record, const struct pack_row *row, uint64_t endpoint_id)
{
    if (row->instead)
        drop(pack, row->back);
    size_t needed = record.length + PACK_RECORD_BYTES;
    if (needed > pack->most_bytes)
        return true;
    while (pack->kept_bytes + needed > pack->most_bytes)
        drop(pack, pack->count);
    uint8_t *data = malloc(record.length + 1);
    if (data == NULL || !make_room(pack)) {
        free(data);
        return false;
    }
    memcpy(data, record.data, record.length);
    pack->records[pack->first + pack->count++] = (struct pack_record){
        .data = data, .length = record.length, .shape = row->shape, .endpoint_id = endpoint_id};
    pack->kept_bytes += needed;
    return true;
}

const struct pack_record *pack_back(const struct pack *pack, uint64_t back)
{
    return back == 0 || back > pack->count ? NULL : &pack->records[pack->first + pack->count - (size_t)back];
}

struct bytes pack_bytes(const struct pack_record *record)
{
    static const uint8_t nothing;
    return record == NULL ? (struct bytes){&nothing, 0} : (struct bytes){record->data, record->length};
}
