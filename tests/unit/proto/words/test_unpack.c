#include "cmocka_all.h"

#include "words/unpack.h"

#include "link.pb-c.h"

#include <stdlib.h>
#include <string.h>

/*
 * The reference is protobuf-c itself: random messages of every type, as they are and with their bytes damaged, get the same verdict from
 * both, and what both read is encoded to the same bytes. Three differences are meant, and known here:
 *   - tags that no protobuf has (field 0, a field number above 2^29 - 1, more than five bytes) are refused, which protobuf-c passes over;
 *   - a bool of another wire type than a varint is refused as a number is, which protobuf-c reads somehow;
 *   - a message field that comes again is merged as protobuf says. protobuf-c loses zeros in that, and all of what came before in a oneof.
 */

enum { RUNS = 12000, MOST_BYTES = 1 << 16, ARENA_BYTES = 1 << 24 };

static uint64_t seed;

static uint32_t noise(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 32) % below);
}

/* Of every length there is. */
static uint64_t any_number(void)
{
    uint64_t bits = (uint64_t)noise(UINT32_MAX) << 32 | noise(UINT32_MAX);
    return bits >> noise(64);
}

/* --- random messages ------------------------------------------------------------------------------------------ */

static void *make(const ProtobufCMessageDescriptor *type, struct arena *arena);

static void *take(struct arena *arena, size_t count, size_t size)
{
    void *taken = arena_array(arena, count, size);
    assert_non_null(taken);
    return taken;
}

static char *any_text(struct arena *arena)
{
    uint32_t length = noise(24);
    char *text = take(arena, length + 1, 1);
    for (uint32_t i = 0; i < length; i++)
        text[i] = (char)(1 + noise(255));
    return text;
}

static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SINT64:
        return 8;
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    default:
        return 4;
    }
}

static void fill(const ProtobufCFieldDescriptor *field, struct arena *arena, void *place)
{
    uint64_t number = field->type == PROTOBUF_C_TYPE_BOOL ? noise(2) : any_number();
    uint32_t word = (uint32_t)number;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        *(void **)place = make(field->descriptor, arena);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        *(char **)place = any_text(arena);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        char *text = any_text(arena);
        *(ProtobufCBinaryData *)place = (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
    } else if (size_of(field->type) == 8) {
        memcpy(place, &number, sizeof number);
    } else {
        memcpy(place, &word, sizeof word);
    }
}

static void fill_many(const ProtobufCFieldDescriptor *field, struct arena *arena, char *message)
{
    size_t count = noise(4) == 0 ? noise(20) : noise(3), size = size_of(field->type);
    char *list = take(arena, count, size);
    for (size_t i = 0; i < count; i++)
        fill(field, arena, list + i * size);
    *(size_t *)(void *)(message + field->quantifier_offset) = count;
    *(void **)(void *)(message + field->offset) = list;
}

static void *make(const ProtobufCMessageDescriptor *type, struct arena *arena)
{
    char *message = take(arena, 1, type->sizeof_message);
    type->message_init((ProtobufCMessage *)(void *)message);
    uint32_t often = 1 + noise(4), only = noise(type->n_fields + 1);
    for (uint32_t i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        bool one_of = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (one_of ? i != only : noise(often) > 0)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            fill_many(field, arena, message);
        else
            fill(field, arena, message + field->offset);
        if (one_of)
            *(uint32_t *)(void *)(message + field->quantifier_offset) = field->id;
    }
    return message;
}

/* --- damage --------------------------------------------------------------------------------------------------- */

/* At most the bytes that are there. */
static size_t any_slice(size_t length, size_t *ret_at)
{
    size_t size = noise(2) == 0 ? noise(4) + 1 : noise((uint32_t)length + 1);
    *ret_at = noise((uint32_t)length + 1);
    return size < length - *ret_at ? size : length - *ret_at;
}

static void damage(struct buf *bytes)
{
    size_t at = 0, other = 0, size = any_slice(bytes->len, &at);
    uint8_t spare[MOST_BYTES];
    if (bytes->len == 0 || bytes->len > MOST_BYTES / 2)
        return;
    switch (noise(5)) {
    case 0: /* another bit */
        bytes->data[noise((uint32_t)bytes->len)] ^= (uint8_t)(1u << noise(8));
        return;
    case 1: /* another byte */
        bytes->data[noise((uint32_t)bytes->len)] = (uint8_t)noise(256);
        return;
    case 2: /* less at the end */
        bytes->len -= noise(8) < bytes->len ? noise(8) % bytes->len : 0;
        return;
    case 3: /* a slice less */
        memmove(bytes->data + at, bytes->data + at + size, bytes->len - at - size);
        bytes->len -= size;
        return;
    default: /* a slice again, somewhere */
        other = noise((uint32_t)bytes->len + 1);
        memcpy(spare, bytes->data + at, size);
        assert_non_null(buf_room(bytes, size));
        memmove(bytes->data + other + size, bytes->data + other, bytes->len - other);
        memcpy(bytes->data + other, spare, size);
        bytes->len += size;
    }
}

/* --- the differences that are meant --------------------------------------------------------------------------- */

struct oddity {
    bool lax;    /* protobuf-c takes what we refuse */
    bool merged; /* a message field that comes again */
};

static size_t skip_varint(struct bytes bytes, size_t at, uint64_t *ret_value)
{
    *ret_value = 0;
    for (unsigned shift = 0; shift < 64 && at < bytes.length; shift += 7) {
        *ret_value |= (uint64_t)(bytes.data[at] & 0x7f) << shift;
        if (bytes.data[at++] < 0x80)
            return at;
    }
    return SIZE_MAX;
}

/* As long as they are fields; both refuse them from where they are none. */
static struct oddity look(const ProtobufCMessageDescriptor *type, struct bytes bytes)
{
    struct oddity found = {0};
    bool seen[64] = {0};
    for (size_t at = 0; at < bytes.length;) {
        uint64_t tag = 0, value = 0;
        size_t after = skip_varint(bytes, at, &tag);
        if (after == SIZE_MAX || after - at > 5 || tag >> 3 == 0 || tag >> 3 > (1 << 29) - 1) {
            found.lax = true;
            return found;
        }
        unsigned wire = tag & 7;
        size_t end = wire == 0 || wire == 2 ? skip_varint(bytes, after, &value) : after;
        size_t body = wire == 2 ? value : wire == 1 ? 8 : wire == 5 ? 4 : 0;
        if (end == SIZE_MAX || wire == 3 || wire == 4 || wire > 5 || body > bytes.length - end)
            return found;
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
        found.lax = found.lax || (field != NULL && field->type == PROTOBUF_C_TYPE_BOOL && wire != 0);
        if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE && wire == 2) {
            struct oddity inner = look(field->descriptor, (struct bytes){bytes.data + end, body});
            assert_in_range(field->id, 1, 63);
            found.lax = found.lax || inner.lax;
            found.merged = found.merged || inner.merged ||
                           (field->label != PROTOBUF_C_LABEL_REPEATED && seen[field->id]);
            seen[field->id] = true;
        }
        at = end + body;
    }
    return found;
}

/* --- both ----------------------------------------------------------------------------------------------------- */

/* We keep nothing that the tables do not know. */
static void forget_unknown(ProtobufCMessage *message)
{
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        free(message->unknown_fields[i].data);
    free(message->unknown_fields);
    message->unknown_fields = NULL;
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        char *place = (char *)message + field->offset;
        size_t count = 1;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
            count = *(uint32_t *)(void *)((char *)message + field->quantifier_offset) == field->id;
        else if (field->label == PROTOBUF_C_LABEL_REPEATED)
            count = *(size_t *)(void *)((char *)message + field->quantifier_offset);
        ProtobufCMessage **list = field->label == PROTOBUF_C_LABEL_REPEATED
                                      ? *(ProtobufCMessage ***)(void *)place
                                      : (ProtobufCMessage **)(void *)place;
        for (size_t j = 0; j < count; j++)
            if (list[j] != NULL)
                forget_unknown(list[j]);
    }
}

static struct buf packed(const ProtobufCMessage *message)
{
    struct buf bytes;
    buf_init(&bytes, 0);
    size_t length = protobuf_c_message_get_packed_size(message);
    uint8_t *room = buf_room(&bytes, length);
    assert_non_null(room);
    assert_int_equal(protobuf_c_message_pack(message, room), length);
    buf_grew(&bytes, length);
    return bytes;
}

static void expect_equal(const ProtobufCMessage *ours, ProtobufCMessage *theirs)
{
    forget_unknown(theirs);
    struct buf a = packed(ours), b = packed(theirs);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    buf_done(&a);
    buf_done(&b);
}

struct tally {
    unsigned read, refused, odd;
};

static void compare(const ProtobufCMessageDescriptor *type, const struct buf *bytes, struct tally *tally)
{
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    /* of its own size, so that a step beyond its end is seen */
    uint8_t *exact = malloc(bytes->len == 0 ? 1 : bytes->len);
    assert_non_null(exact);
    memcpy(exact, bytes->data, bytes->len);
    const struct bytes given = {exact, bytes->len};
    const struct oddity odd = look(type, given);
    ProtobufCMessage *theirs = protobuf_c_message_unpack(type, NULL, given.length, given.data);
    const ProtobufCMessage *ours = unpack(type, given, &arena);
    if (odd.lax)
        assert_null(ours);
    else if ((ours != NULL) != (theirs != NULL))
        fail_msg("%s of %zu bytes, seed %llu: read by %s alone", type->short_name, given.length,
                 (unsigned long long)seed, ours != NULL ? "us" : "protobuf-c");
    else if (ours != NULL && !odd.merged)
        expect_equal(ours, theirs);
    tally->odd += odd.lax || odd.merged;
    tally->read += ours != NULL;
    tally->refused += ours == NULL;
    if (theirs != NULL)
        protobuf_c_message_free_unpacked(theirs, NULL);
    arena_done(&arena);
    free(exact);
}

static const ProtobufCMessageDescriptor *const types[] = {
    &parallax__message__descriptor, &parallax__record__descriptor, &parallax__attempt__descriptor,
    &parallax__endpoint_list__descriptor, &parallax__round_report__descriptor};

static void runs(unsigned most_damage, struct tally *tally)
{
    for (unsigned run = 0; run < RUNS; run++) {
        const ProtobufCMessageDescriptor *type = types[run % (sizeof types / sizeof types[0])];
        struct arena arena;
        arena_init(&arena, ARENA_BYTES);
        struct buf bytes = packed(make(type, &arena));
        for (unsigned i = most_damage == 0 ? 0 : 1 + noise(most_damage); i > 0; i--)
            damage(&bytes);
        compare(type, &bytes, tally);
        buf_done(&bytes);
        arena_done(&arena);
    }
}

static void what_protobuf_reads_is_read_the_same(void **arg)
{
    (void)arg;
    struct tally tally = {0};
    seed = 0x9e3779b97f4a7c15;
    runs(0, &tally);
    assert_int_equal(tally.read, RUNS);
    assert_int_equal(tally.odd, 0);
}

static void what_is_damaged_gets_the_same_verdict(void **arg)
{
    (void)arg;
    struct tally tally = {0};
    seed = 0x2545f4914f6cdd1d;
    runs(1, &tally);
    runs(6, &tally);
    assert_in_range(tally.read, RUNS / 4, 2 * RUNS);
    assert_in_range(tally.refused, RUNS / 4, 2 * RUNS);
    assert_in_range(tally.odd, 100, RUNS);
    print_message("%u read, %u refused, %u of them with what is read otherwise\n", tally.read, tally.refused,
                  tally.odd);
}

static void what_is_cut_gets_the_same_verdict(void **arg)
{
    (void)arg;
    struct tally tally = {0};
    struct arena arena;
    seed = 0x5851f42d4c957f2d;
    for (unsigned run = 0; run < 40; run++) {
        arena_init(&arena, ARENA_BYTES);
        struct buf bytes = packed(make(types[run % 3], &arena));
        for (; bytes.len > 0; bytes.len--)
            compare(types[run % 3], &bytes, &tally);
        buf_done(&bytes);
        arena_done(&arena);
    }
    assert_true(tally.refused > tally.read);
}

/* --- by hand -------------------------------------------------------------------------------------------------- */

#define WIRE(text) ((struct bytes){(const uint8_t *)(text), sizeof(text) - 1})

static bool reads(struct bytes bytes)
{
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    bool read = unpack(&parallax__round_report__descriptor, bytes, &arena) != NULL;
    arena_done(&arena);
    return read;
}

static void tags_that_no_protobuf_has_are_refused(void **arg)
{
    (void)arg;
    assert_true(reads(WIRE("\x08\x01")));
    assert_true(reads(WIRE("\x88\x00\x01"))); /* longer than it has to be */
    assert_true(reads(WIRE("\x88\x80\x80\x80\x00\x01")));
    assert_true(reads(WIRE("\xf8\xff\xff\xff\x0f\x01"))); /* the highest field number */
    assert_false(reads(WIRE("\x00\x01")));
    assert_false(reads(WIRE("\x80\x00\x01")));
    assert_false(reads(WIRE("\x88\x80\x80\x80\x80\x00\x01")));
    assert_false(reads(WIRE("\xf8\xff\xff\xff\x1f\x01")));
    assert_true(reads(WIRE("\xfa\x01\x81\x80\x80\x80\x00.")));
    assert_false(reads(WIRE("\xfa\x01\x81\x80\x80\x80\x80\x00."))); /* a length of six bytes */
}

static void a_bool_is_a_varint(void **arg)
{
    (void)arg;
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    assert_non_null(unpack(&parallax__tls_record__descriptor, WIRE("\x08\x01"), &arena));
    assert_null(unpack(&parallax__tls_record__descriptor, WIRE("\x0a\x01\x01"), &arena));
    assert_null(unpack(&parallax__tls_record__descriptor, WIRE("\x0d\x01\x00\x00\x00"), &arena));
    arena_done(&arena);
}

/* The field of a message that comes again adds to it, here through a oneof; a zero counts. */
static void a_message_that_comes_again_is_merged(void **arg)
{
    (void)arg;
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    const struct bytes bytes = WIRE("\x12\x08\x08\x05\x10\x06\x3a\x02\x08\x01"
                                    "\x12\x06\x10\x00\x3a\x02\x08\x02");
    const Parallax__Record *record = unpack(&parallax__record__descriptor, bytes, &arena);
    assert_non_null(record);
    assert_int_equal(record->kind_case, PARALLAX__RECORD__KIND_ROUND_REPORT);
    assert_int_equal(record->round_report->sequence, 5);
    assert_int_equal(record->round_report->round_id, 0);
    assert_int_equal(record->round_report->n_dropped_at, 2);
    assert_int_equal(record->round_report->dropped_at[1]->endpoint_id, 2);
    arena_done(&arena);
}

static void the_arena_bounds_it(void **arg)
{
    (void)arg;
    struct arena arena;
    struct buf bytes;
    buf_init(&bytes, 0);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(buf_append(&bytes, "\x3a\x00", 2)); /* an empty part */
    for (unsigned with = 0; with < 2; with++) {
        arena_init(&arena, with == 0 ? 30000 : 300000);
        const Parallax__RoundReport *report =
            unpack(&parallax__round_report__descriptor, (struct bytes){bytes.data, bytes.len}, &arena);
        assert_int_equal(report != NULL, with);
        if (report != NULL)
            assert_int_equal(report->n_dropped_at, 1000);
        arena_done(&arena);
    }
    buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_protobuf_reads_is_read_the_same),
        cmocka_unit_test(what_is_damaged_gets_the_same_verdict),
        cmocka_unit_test(what_is_cut_gets_the_same_verdict),
        cmocka_unit_test(tags_that_no_protobuf_has_are_refused),
        cmocka_unit_test(a_bool_is_a_varint),
        cmocka_unit_test(a_message_that_comes_again_is_merged),
        cmocka_unit_test(the_arena_bounds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
