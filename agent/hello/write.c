#include "hello/write.h"

#include "hello/noise.h"
#include "words/address.h"

#include <string.h>

enum {
    CLIENT_HELLO = 1,
    RECORD_MAX_BYTES = 16384, /* of plain text, RFC 8446, 5.1 */
    EXTENSION_HEADER_BYTES = 4,
    SNI_MAX_BYTES = 255, /* as libssl */
    KEM_BYTES = 32       /* X25519 */
};

struct writer {
    const struct hello_profile *profile;
    const struct hello_values *values;
    struct buf *out;
    bool failed;
};

static void put(struct writer *writer, const void *bytes, size_t length)
{
    if (!writer->failed && !buf_append(writer->out, bytes, length))
        writer->failed = true;
}

static void put_number(struct writer *writer, size_t number, size_t width)
{
    uint8_t bytes[3];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(number >> 8 * (width - 1 - i));
    put(writer, bytes, width);
}

static void put_zeros(struct writer *writer, size_t length)
{
    uint8_t *room = writer->failed ? NULL : buf_room(writer->out, length);
    if (room == NULL) {
        writer->failed = true;
        return;
    }
    memset(room, 0, length);
    buf_grew(writer->out, length);
}

/* A length goes in front of what follows: room is left for it, and filled when what follows is known. */
static size_t open_length(struct writer *writer, size_t width)
{
    put_number(writer, 0, width);
    return writer->out->len;
}

static void close_length(struct writer *writer, size_t from, size_t width)
{
    if (writer->failed)
        return;
    size_t length = writer->out->len - from;
    if (length >> 8 * width != 0) {
        writer->failed = true;
        return;
    }
    for (size_t i = 0; i < width; i++)
        writer->out->data[from - 1 - i] = (uint8_t)(length >> 8 * i);
}

static void put_block(struct writer *writer, const void *bytes, size_t length, size_t width)
{
    size_t from = open_length(writer, width);
    put(writer, bytes, length);
    close_length(writer, from, width);
}

/* @return whether all went well; if not, what was written is taken back. */
static bool finish(struct writer *writer, size_t before)
{
    if (writer->failed && writer->out->data != NULL) {
        writer->out->len = before;
        writer->out->data[before] = 0;
    }
    return !writer->failed;
}

/* --- RFC 8701 ------------------------------------------------------------------------------------------------ */

/* What a reserved value stands for; of extensions there are two, which must differ. */
enum grease {
    GREASE_CIPHER,
    GREASE_GROUP,
    GREASE_EXTENSION,
    GREASE_LAST_EXTENSION,
    GREASE_VERSION,
    GREASE_SIGNATURE,
    GREASE_COMPRESSION
};

/* The choice is part of what is random in a hello anyhow: the same again after a HelloRetryRequest, as it has to be. */
static uint16_t grease_value(const struct writer *writer, enum grease what)
{
    const uint8_t *random = writer->values->random;
    unsigned nibble = random[what] & 15u;
    if (what == GREASE_LAST_EXTENSION && nibble == (random[GREASE_EXTENSION] & 15u))
        nibble ^= 1u;
    return (uint16_t)(0x0a0au + nibble * 0x1010u);
}

static void put_list(struct writer *writer, struct hello_list list, size_t prefix, enum grease what)
{
    size_t from = open_length(writer, prefix);
    uint8_t *room = writer->failed ? NULL : buf_room(writer->out, 2 * list.count);
    if (room == NULL) {
        writer->failed = true;
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        uint16_t value = list.values[i] == HELLO_GREASE ? grease_value(writer, what) : list.values[i];
        room[2 * i] = (uint8_t)(value >> 8);
        room[2 * i + 1] = (uint8_t)value;
    }
    buf_grew(writer->out, 2 * list.count);
    close_length(writer, from, prefix);
}

/* --- what extensions say -------------------------------------------------------------------------------------- */

static void body_server_name(struct writer *writer)
{
    const char *name = writer->values->sni;
    size_t length = strlen(name), from = open_length(writer, 2);
    if (length > SNI_MAX_BYTES)
        writer->failed = true;
    put_number(writer, 0, 1); /* host_name */
    put_block(writer, name, length, 2);
    close_length(writer, from, 2);
}

static void body_groups(struct writer *writer)
{
    put_list(writer, writer->profile->groups, 2, GREASE_GROUP);
}

static void body_points(struct writer *writer)
{
    const struct hello_list *points = &writer->profile->points;
    put_number(writer, points->count, 1);
    for (size_t i = 0; i < points->count; i++)
        put_number(writer, points->values[i], 1);
}

static void body_signatures(struct writer *writer)
{
    put_list(writer, writer->profile->signatures, 2, GREASE_SIGNATURE);
}

static void body_compressions(struct writer *writer)
{
    put_list(writer, writer->profile->compressions, 1, GREASE_COMPRESSION);
}

static void body_alpn(struct writer *writer)
{
    size_t from = open_length(writer, 2);
    for (const char *const *name = writer->profile->alpn; *name != NULL; name++)
        put_block(writer, *name, strlen(*name), 1);
    close_length(writer, from, 2);
}

static void body_versions(struct writer *writer)
{
    put_list(writer, writer->profile->versions, 1, GREASE_VERSION);
}

static void body_shares(struct writer *writer)
{
    const struct hello_values *values = writer->values;
    size_t from = open_length(writer, 2);
    if (values->share_count > HELLO_MAX_SHARES)
        writer->failed = true;
    for (size_t i = 0; !writer->failed && i < values->share_count; i++) {
        const struct hello_share *share = &values->shares[i];
        put_number(writer, share->group == HELLO_GREASE ? grease_value(writer, GREASE_GROUP) : share->group,
                   2);
        put_block(writer, share->key, share->key_bytes, 2);
    }
    close_length(writer, from, 2);
}

static void body_cookie(struct writer *writer)
{
    if (writer->values->cookie_bytes > HELLO_MAX_COOKIE_BYTES)
        writer->failed = true;
    else
        put_block(writer, writer->values->cookie, writer->values->cookie_bytes, 2);
}

static void body_filler(struct writer *writer)
{
    put_zeros(writer, writer->profile->filler_bytes);
}

static void put_noise(struct writer *writer, struct noise *noise, size_t length)
{
    for (size_t i = 0; !writer->failed && i < length; i++)
        put_number(writer, noise_next(noise) & 0xff, 1);
}

/* Nobody can tell it from one that is encrypted (RFC 9849, 6.2). After a HelloRetryRequest it must be the same again. */
static void body_encrypted_hello(struct writer *writer)
{
    static const uint8_t outer[] = {0, 0, 1, 0, 1}; /* HKDF-SHA256, AES-128-GCM */
    struct noise noise;
    noise_init(&noise, writer->values->random, HELLO_RANDOM_BYTES);
    put(writer, outer, sizeof outer);
    put_noise(writer, &noise, 1); /* which configuration */
    put_number(writer, KEM_BYTES, 2);
    put_noise(writer, &noise, KEM_BYTES);
    put_number(writer, writer->profile->encrypted_bytes, 2);
    put_noise(writer, &noise, writer->profile->encrypted_bytes);
}

/* Roots that Chrome asks for by number, in the order of sending: a prefix, and the numbers under it (a draft on trust anchors). */
static const struct {
    size_t prefix_bytes;
    uint8_t prefix[7];
    uint8_t count;
    uint8_t last[16];
} anchors[] = {
    {4, {0x82, 0xdf, 0x13, 0x02}, 8, {1, 6, 13, 14, 15, 18, 19, 20}},
    {7, {0x83, 0x9a, 0x64, 0x8c, 0x9b, 0x2d, 0x01}, 9, {7, 8, 9, 10, 11, 12, 13, 18, 19}},
    {3, {0xd6, 0x79, 0x09}, 11, {1, 4, 5, 6, 7, 8, 10, 11, 12, 13, 15}},
};

static void body_trust_anchors(struct writer *writer)
{
    size_t from = open_length(writer, 2);
    for (size_t i = 0; i < sizeof anchors / sizeof anchors[0]; i++) {
        for (size_t k = 0; k < anchors[i].count; k++) {
            put_number(writer, anchors[i].prefix_bytes + 1, 1);
            put(writer, anchors[i].prefix, anchors[i].prefix_bytes);
            put_number(writer, anchors[i].last[k], 1);
        }
    }
    close_length(writer, from, 2);
}

/* --- extensions ------------------------------------------------------------------------------------------------ */

struct extension {
    uint16_t type;
    void (*body)(struct writer *writer); /* NULL: always the same bytes */
    size_t length;
    const uint8_t *bytes;
};

#define BYTES(...)                                                                                           \
    .length = sizeof((const uint8_t[]){__VA_ARGS__}), .bytes = (const uint8_t[])                             \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }

static const struct extension extensions[] = {
    {.type = HELLO_SERVER_NAME, .body = body_server_name},
    {.type = 5, BYTES(1, 0, 0, 0, 0)}, /* status_request: OCSP, RFC 6066, 8 */
    {.type = 10, .body = body_groups},
    {.type = 11, .body = body_points},
    {.type = 13, .body = body_signatures},
    {.type = HELLO_ALPN, .body = body_alpn},
    {.type = 18}, /* SCTs */
    {.type = 22}, /* encrypt-then-MAC */
    {.type = 23}, /* extended master secret */
    {.type = 27, .body = body_compressions},
    {.type = 28, BYTES(0x40, 0x01)},                   /* RFC 8449 */
    {.type = 34, BYTES(0, 8, 4, 3, 5, 3, 6, 3, 2, 3)}, /* RFC 9345 */
    {.type = 35},                                      /* session ticket: none yet */
    {.type = HELLO_SUPPORTED_VERSIONS, .body = body_versions},
    {.type = 45, BYTES(1, 1)}, /* psk_dhe_ke */
    {.type = 49},              /* post-handshake authentication */
    {.type = HELLO_KEY_SHARE, .body = body_shares},
    {.type = 17613, BYTES(0, 3, 2, 'h', '2')}, /* ALPS, a draft */
    {.type = HELLO_FILLER, .body = body_filler},
    {.type = 51764, .body = body_trust_anchors},
    {.type = HELLO_ENCRYPTED, .body = body_encrypted_hello},
    {.type = 65281, BYTES(0)}, /* RFC 5746 */
};

static const struct extension cookie = {.type = HELLO_COOKIE, .body = body_cookie};

static void put_extension(struct writer *writer, const struct extension *extension)
{
    put_number(writer, extension->type, 2);
    size_t from = open_length(writer, 2);
    if (extension->body != NULL)
        extension->body(writer);
    else
        put(writer, extension->bytes, extension->length);
    close_length(writer, from, 2);
}

static const struct extension *extension_of(uint16_t type)
{
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (extensions[i].type == type)
            return &extensions[i];
    return NULL;
}

/* RFC 6066, 3: an address is no name. */
static bool has_name(const struct hello_values *values)
{
    struct address address;
    return values->sni[0] != '\0' && !address_parse(values->sni, &address);
}

static void put_asked(struct writer *writer, uint16_t type)
{
    const struct extension *extension = extension_of(type);
    if (extension == NULL) {
        writer->failed = true;
        return;
    }
    if ((type == HELLO_SERVER_NAME && !has_name(writer->values)) ||
        (type == HELLO_ALPN && writer->profile->alpn == NULL))
        return;
    put_extension(writer, extension);
    if (type == HELLO_KEY_SHARE && writer->values->cookie != NULL)
        put_extension(writer, &cookie);
}

/* At least one byte, as others do: some servers do not bear an extension that is empty at the end. */
static void put_padding(struct writer *writer, size_t message_at)
{
    size_t length = writer->out->len - message_at, wanted = writer->profile->padded_bytes;
    if (length >= wanted)
        return;
    size_t missing = wanted - length;
    size_t body = missing > EXTENSION_HEADER_BYTES ? missing - EXTENSION_HEADER_BYTES : 1;
    put_number(writer, HELLO_PADDING, 2);
    put_number(writer, body, 2);
    put_zeros(writer, body);
}

static void put_extensions(struct writer *writer, size_t message_at)
{
    const struct hello_list *types = &writer->profile->extensions;
    size_t from = open_length(writer, 2);
    bool greased = false;
    for (size_t i = 0; !writer->failed && i < types->count; i++) {
        if (types->values[i] == HELLO_GREASE) {
            put_number(writer, grease_value(writer, greased ? GREASE_LAST_EXTENSION : GREASE_EXTENSION), 2);
            put_block(writer, "", greased ? 1 : 0, 2);
            greased = true;
        } else {
            put_asked(writer, types->values[i]);
        }
    }
    put_padding(writer, message_at);
    close_length(writer, from, 2);
}

bool hello_write(const struct hello_profile *profile, const struct hello_values *values, struct buf *out)
{
    static const uint8_t no_compression[] = {1, 0};
    struct writer writer = {.profile = profile, .values = values, .out = out};
    size_t message_at = out->len;
    put_number(&writer, CLIENT_HELLO, 1);
    size_t from = open_length(&writer, 3);
    put_number(&writer, profile->legacy_version, 2);
    put(&writer, values->random, HELLO_RANDOM_BYTES);
    put_block(&writer, values->session_id, profile->session_id_bytes, 1);
    put_list(&writer, profile->ciphers, 2, GREASE_CIPHER);
    put(&writer, no_compression, sizeof no_compression);
    put_extensions(&writer, message_at);
    close_length(&writer, from, 3);
    return finish(&writer, message_at);
}

bool hello_write_records(uint8_t content, uint16_t version, const uint8_t *message, size_t length,
                         struct buf *out)
{
    struct writer writer = {.out = out};
    size_t before = out->len;
    for (size_t at = 0; !writer.failed && at < length;) {
        size_t piece = length - at < RECORD_MAX_BYTES ? length - at : RECORD_MAX_BYTES;
        put_number(&writer, content, 1);
        put_number(&writer, version, 2);
        put_block(&writer, message + at, piece, 2);
        at += piece;
    }
    return finish(&writer, before);
}
