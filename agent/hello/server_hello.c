#include "hello/server_hello.h"

#include "hello/write.h"

#include <string.h>

enum { SESSION_ID_MAX_BYTES = 32, DOWNGRADE_BYTES = 8, VERSION_12 = 0x0303, VERSION_13 = 0x0304 };

static struct hello_span span_of(const struct cursor *cursor)
{
    return (struct hello_span){.bytes = cursor->at, .length = cursor_left(cursor)};
}

bool server_hello_random_is_retry(const uint8_t *random)
{
    static const uint8_t retry[HELLO_RANDOM_BYTES] = {
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
        0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
    return memcmp(random, retry, sizeof retry) == 0;
}

static bool is_downgrade(const uint8_t *random)
{
    static const uint8_t sentinel[DOWNGRADE_BYTES] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 0};
    const uint8_t *end = random + HELLO_RANDOM_BYTES - DOWNGRADE_BYTES;
    return memcmp(end, sentinel, DOWNGRADE_BYTES - 1) == 0 && end[DOWNGRADE_BYTES - 1] <= 1;
}

enum server_hello_flaw server_hello_split(struct cursor message, struct server_hello *ret_hello,
                                          struct cursor *ret_block)
{
    struct server_hello *hello = ret_hello;
    *hello = (struct server_hello){0};
    *ret_block = (struct cursor){0};
    hello->legacy_version = hello->version = cursor_u16(&message);
    const uint8_t *random = cursor_bytes(&message, HELLO_RANDOM_BYTES);
    if (random == NULL)
        return SERVER_HELLO_CUT;
    hello->random = (struct hello_span){.bytes = random, .length = HELLO_RANDOM_BYTES};
    hello->retry = hello->legacy_version == VERSION_12 && server_hello_random_is_retry(random);
    hello->downgraded = is_downgrade(random);
    struct cursor session_id = cursor_block(&message, cursor_u8(&message));
    if (message.failed)
        return SERVER_HELLO_CUT;
    if (cursor_left(&session_id) > SESSION_ID_MAX_BYTES)
        return SERVER_HELLO_LONG_ID;
    hello->session_id = span_of(&session_id);
    hello->cipher = cursor_u16(&message);
    hello->compression = cursor_u8(&message);
    if (message.failed)
        return SERVER_HELLO_CUT;
    if (cursor_left(&message) == 0 && !hello->retry)
        return SERVER_HELLO_SOUND;
    *ret_block = cursor_block(&message, cursor_u16(&message));
    return message.failed || cursor_left(&message) > 0 ? SERVER_HELLO_BAD_BLOCK : SERVER_HELLO_SOUND;
}

static bool is_there(const struct tls_extensions *extensions, enum tls_extension which)
{
    return extensions->of[which].bytes != NULL;
}

bool server_hello_take_version(const struct tls_extensions *extensions, struct server_hello *hello)
{
    struct cursor cursor = extension_cursor(extensions, EXTENSION_VERSIONS);
    if (!is_there(extensions, EXTENSION_VERSIONS))
        return true;
    hello->selects = true;
    hello->version = cursor_u16(&cursor);
    return !cursor.failed && cursor_left(&cursor) == 0;
}

/* A HelloRetryRequest names the group alone (RFC 8446, 4.2.8). */
bool server_hello_take_share(const struct tls_extensions *extensions, struct server_hello *hello)
{
    struct cursor cursor = extension_cursor(extensions, EXTENSION_KEY_SHARE);
    if (!is_there(extensions, EXTENSION_KEY_SHARE))
        return true;
    hello->group = cursor_u16(&cursor);
    if (hello->retry)
        return !cursor.failed && cursor_left(&cursor) == 0;
    struct cursor share = cursor_block(&cursor, cursor_u16(&cursor));
    hello->share = span_of(&share);
    return !cursor.failed && cursor_left(&cursor) == 0 && hello->share.length > 0;
}

bool server_hello_take_cookie(const struct tls_extensions *extensions, struct server_hello *hello)
{
    struct cursor cookie;
    if (!is_there(extensions, EXTENSION_COOKIE))
        return true;
    bool whole = extension_list(extensions, EXTENSION_COOKIE, &cookie);
    hello->cookie = span_of(&cookie);
    return whole;
}

/* One name, in a list (RFC 7301, 3.1). */
static bool take_alpn(const struct tls_extensions *extensions, struct server_hello *hello)
{
    struct cursor list;
    if (!is_there(extensions, EXTENSION_ALPN))
        return true;
    bool whole = extension_list(extensions, EXTENSION_ALPN, &list);
    struct cursor name = cursor_block(&list, cursor_u8(&list));
    hello->alpn = span_of(&name);
    return whole && !list.failed && cursor_left(&list) == 0 && hello->alpn.length > 0;
}

static bool take_extensions(const struct tls_extensions *extensions, struct server_hello *hello)
{
    hello->psk = is_there(extensions, EXTENSION_PSK);
    return server_hello_take_version(extensions, hello) && server_hello_take_share(extensions, hello) &&
           server_hello_take_cookie(extensions, hello) && take_alpn(extensions, hello) &&
           (!is_there(extensions, EXTENSION_COOKIE) || hello->cookie.length > 0) &&
           (!hello->psk || extensions->of[EXTENSION_PSK].length == sizeof(uint16_t));
}

bool server_hello_read(const uint8_t *bytes, size_t length, struct server_hello *ret_hello)
{
    struct server_hello hello;
    struct cursor message, block;
    struct tls_extensions extensions;
    struct tls_fault fault;
    cursor_init(&message, bytes, length);
    if (server_hello_split(message, &hello, &block) != SERVER_HELLO_SOUND ||
        !extensions_read(block, 0, NULL, NULL, &extensions, &fault) || !take_extensions(&extensions, &hello))
        return false;
    /* Where they belong is only known when all are read: the version is one of them. */
    hello.unoffered = !extensions_fit(&extensions, hello.retry                   ? IN_HELLO_RETRY
                                                   : hello.version >= VERSION_13 ? IN_SERVER_HELLO
                                                                                 : IN_SERVER_HELLO_12);
    *ret_hello = hello;
    return true;
}
