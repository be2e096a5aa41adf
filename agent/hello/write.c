#include "hello/write.h"

#include "words/address.h"

#include <string.h>

enum {
    CLIENT_HELLO = 1,
    RECORD_MAX_BYTES = 16384, /* of plain text, RFC 8446, 5.1 */
    EXTENSION_HEADER_BYTES = 4,
    SNI_MAX_BYTES = 255, /* as libssl */
    ECH_PAYLOAD_BYTES = 176
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
enum grease { GREASE_CIPHER, GREASE_GROUP, GREASE_EXTENSION, GREASE_LAST_EXTENSION, GREASE_VERSION };

/* The choice is part of what is random in a hello anyhow: the same again after a HelloRetryRequest, as it has to be. */
static uint16_t grease_value(const struct writer *writer, enum grease what)
{
    const uint8_t *random = writer->values->random;
    unsigned nibble = random[what] & 15u;
    if (what == GREASE_LAST_EXTENSION && nibble == (random[GREASE_EXTENSION] & 15u))
        nibble ^= 1u;
    return (uint16_t)(0x0a0au + nibble * 0x1010u);
}

static void put_list(struct writer *writer, struct hello_list list, size_t prefix, size_t width)
{
    size_t from = open_length(writer, prefix);
    for (size_t i = 0; i < list.count; i++)
        put_number(writer, list.values[i], width);
    close_length(writer, from, prefix);
}

static void put_greased(struct writer *writer, struct hello_list list, size_t prefix, enum grease what)
{
    size_t from = open_length(writer, prefix);
    if (writer->profile->grease)
        put_number(writer, grease_value(writer, what), 2);
    for (size_t i = 0; i < list.count; i++)
        put_number(writer, list.values[i], 2);
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
    put_greased(writer, writer->profile->groups, 2, GREASE_GROUP);
}

static void body_points(struct writer *writer)
{
    put_list(writer, writer->profile->points, 1, 1);
}

static void body_signatures(struct writer *writer)
{
    put_list(writer, writer->profile->signatures, 2, 2);
}

static void body_compressions(struct writer *writer)
{
    put_list(writer, writer->profile->compressions, 1, 2);
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
    put_greased(writer, writer->profile->versions, 1, GREASE_VERSION);
}

static void body_shares(struct writer *writer)
{
    const struct hello_values *values = writer->values;
    size_t from = open_length(writer, 2);
    if (values->share_count > HELLO_MAX_SHARES)
        writer->failed = true;
    if (writer->profile->grease) {
        put_number(writer, grease_value(writer, GREASE_GROUP), 2);
        put_block(writer, "", 1, 2);
    }
    for (size_t i = 0; !writer->failed && i < values->share_count; i++) {
        put_number(writer, values->shares[i].group, 2);
        put_block(writer, values->shares[i].key, values->shares[i].key_bytes, 2);
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
    for (unsigned i = 0; !writer->failed && i < writer->profile->filler_bytes; i++)
        put_number(writer, 0, 1);
}

/* Bytes that look like key and ciphertext of an encrypted hello, which nobody can tell from one (RFC 9849, 6.2). They need no secret. */
static void put_noise(struct writer *writer, size_t length)
{
    uint64_t state = 0;
    for (size_t i = 0; i < HELLO_RANDOM_BYTES; i++)
        state = (state ^ writer->values->random[i]) * UINT64_C(0x100000001b3) + length;
    for (size_t i = 0; i < length; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        put_number(writer, (uint8_t)(state >> 56), 1);
    }
}

static void body_encrypted_hello(struct writer *writer)
{
    static const uint8_t outer[] = {0, 0, 1, 0, 1}; /* HKDF-SHA256, AES-128-GCM */
    put(writer, outer, sizeof outer);
    put_noise(writer, 1);
    put_number(writer, 32, 2);
    put_noise(writer, 32);
    put_number(writer, ECH_PAYLOAD_BYTES, 2);
    put_noise(writer, ECH_PAYLOAD_BYTES);
}

/* --- extensions ------------------------------------------------------------------------------------------------ */

struct extension {
    uint16_t type;
    void (*body)(struct writer *writer); /* NULL: always the same bytes */
    uint8_t length;
    uint8_t bytes[10];
};

static const struct extension extensions[] = {
    {.type = HELLO_SERVER_NAME, .body = body_server_name},
    {.type = 5, .length = 5, .bytes = {1}}, /* status_request: OCSP, RFC 6066, 8 */
    {.type = 10, .body = body_groups},
    {.type = 11, .body = body_points},
    {.type = 13, .body = body_signatures},
    {.type = HELLO_ALPN, .body = body_alpn},
    {.type = 18}, /* SCTs */
    {.type = 22}, /* encrypt-then-MAC */
    {.type = 23}, /* extended master secret */
    {.type = 27, .body = body_compressions},
    {.type = 28, .length = 2, .bytes = {0x40, 0x01}},                    /* RFC 8449 */
    {.type = 34, .length = 10, .bytes = {0, 8, 4, 3, 5, 3, 6, 3, 2, 3}}, /* RFC 9345 */
    {.type = 35},                                                        /* session ticket: none yet */
    {.type = HELLO_SUPPORTED_VERSIONS, .body = body_versions},
    {.type = 45, .length = 2, .bytes = {1, 1}}, /* psk_dhe_ke */
    {.type = 49},                               /* post-handshake authentication */
    {.type = HELLO_KEY_SHARE, .body = body_shares},
    {.type = 17613, .length = 5, .bytes = {0, 3, 2, 'h', '2'}}, /* ALPS, a draft */
    {.type = HELLO_FILLER, .body = body_filler},
    {.type = 65037, .body = body_encrypted_hello},
    {.type = 65281, .length = 1}, /* RFC 5746 */
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
    while (!writer->failed && body-- > 0)
        put_number(writer, 0, 1);
}

static void put_extensions(struct writer *writer, size_t message_at)
{
    const struct hello_profile *profile = writer->profile;
    size_t from = open_length(writer, 2);
    if (profile->grease) {
        put_number(writer, grease_value(writer, GREASE_EXTENSION), 2);
        put_number(writer, 0, 2);
    }
    for (size_t i = 0; !writer->failed && i < profile->extensions.count; i++)
        put_asked(writer, profile->extensions.values[i]);
    if (profile->grease) {
        put_number(writer, grease_value(writer, GREASE_LAST_EXTENSION), 2);
        put_block(writer, "", 1, 2);
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
    put_greased(&writer, profile->ciphers, 2, GREASE_CIPHER);
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
