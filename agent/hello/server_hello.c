#include "hello/answer.h"
#include "hello/profile.h"
#include "words/cursor.h"

#include <string.h>

enum {
    RANDOM_BYTES = 32,
    SESSION_ID_MAX_BYTES = 32,
    DOWNGRADE_BYTES = 8,
    TLS_1_3 = 0x0304,
    PRE_SHARED_KEY = 41
};

/* SHA-256 of "HelloRetryRequest", the random of a ServerHello that is one (RFC 8446, 4.1.3). */
static const uint8_t retry_random[RANDOM_BYTES] = {
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

/* Where an extension may stand. */
enum place { NOWHERE = 0, IN_HELLO = 1 /* of TLS 1.2 and older */, IN_HELLO_13 = 2, IN_RETRY = 4 };

/* The bytes of a vector (RFC 8446, 3.4); an empty one is there as well. */
static struct hello_span take_vector(struct cursor *cursor, size_t length)
{
    const uint8_t *bytes = cursor_bytes(cursor, length);
    return (struct hello_span){.bytes = bytes, .length = bytes == NULL ? 0 : length};
}

static void read_version(struct server_hello *hello, struct cursor *body)
{
    hello->version = cursor_u16(body);
}

static void read_share(struct server_hello *hello, struct cursor *body)
{
    hello->group = cursor_u16(body);
    if (!hello->retry)
        hello->share = take_vector(body, cursor_u16(body));
}

static void read_cookie(struct server_hello *hello, struct cursor *body)
{
    hello->cookie = take_vector(body, cursor_u16(body));
    body->failed |= hello->cookie.length == 0;
}

/* One name, in a list (RFC 7301, 3.1). */
static void read_alpn(struct server_hello *hello, struct cursor *body)
{
    size_t list = cursor_u16(body);
    body->failed |= list != cursor_left(body);
    hello->alpn = take_vector(body, cursor_u8(body));
    body->failed |= hello->alpn.length == 0;
}

static void read_psk(struct server_hello *hello, struct cursor *body)
{
    (void)cursor_u16(body);
    hello->psk = true;
}

/* RFC 8446, 4.2, and those of TLS 1.2 that libssl knows; what it lets pass in a place passes here. */
static const struct known {
    uint16_t type;
    uint8_t places;
    void (*read)(struct server_hello *hello, struct cursor *body); /* NULL: its bytes say nothing to us */
} known[] = {
    {0, IN_HELLO, NULL},
    {1, IN_HELLO, NULL},
    {5, IN_HELLO, NULL},
    {10, IN_HELLO, NULL}, /* no server should, some do */
    {11, IN_HELLO, NULL},
    {13, NOWHERE, NULL},
    {14, IN_HELLO, NULL},
    {15, IN_HELLO, NULL},
    {HELLO_ALPN, IN_HELLO, read_alpn},
    {18, IN_HELLO, NULL},
    {HELLO_PADDING, NOWHERE, NULL},
    {22, IN_HELLO, NULL},
    {23, IN_HELLO, NULL},
    {35, IN_HELLO, NULL},
    {PRE_SHARED_KEY, IN_HELLO_13, read_psk},
    {42, NOWHERE, NULL},
    {HELLO_SUPPORTED_VERSIONS, IN_HELLO | IN_HELLO_13 | IN_RETRY, read_version},
    {HELLO_COOKIE, IN_RETRY, read_cookie},
    {45, NOWHERE, NULL},
    {47, NOWHERE, NULL},
    {49, NOWHERE, NULL},
    {50, NOWHERE, NULL},
    {HELLO_KEY_SHARE, IN_HELLO_13 | IN_RETRY, read_share},
    {13172, IN_HELLO, NULL},
    {65281, IN_HELLO, NULL},
};
enum { KNOWN = sizeof known / sizeof known[0] };

struct extensions {
    bool seen[KNOWN];
};

/* @return false at one that is there twice, or not what its type says. */
static bool read_extension(struct server_hello *hello, struct extensions *extensions, uint16_t type,
                           struct cursor *body)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (known[i].type != type)
            continue;
        if (extensions->seen[i])
            return false;
        extensions->seen[i] = true;
        if (known[i].read == NULL)
            return true;
        known[i].read(hello, body);
        return !body->failed && cursor_left(body) == 0;
    }
    return true;
}

static bool read_extensions(struct server_hello *hello, struct extensions *extensions, struct cursor *all)
{
    struct cursor list = cursor_block(all, cursor_u16(all));
    while (!list.failed && cursor_left(&list) > 0) {
        const uint8_t *start = list.at;
        uint16_t type = cursor_u16(&list);
        struct cursor body = cursor_block(&list, cursor_u16(&list));
        if (list.failed || !read_extension(hello, extensions, type, &body)) {
            all->at = start;
            return false;
        }
    }
    return !all->failed && cursor_left(all) == 0;
}

/* Where they belong is only known when all are read: the version is one of them. */
static void check_places(struct server_hello *hello, const struct extensions *extensions)
{
    enum place place = hello->retry ? IN_RETRY : hello->version >= TLS_1_3 ? IN_HELLO_13 : IN_HELLO;
    for (size_t i = 0; i < KNOWN; i++)
        hello->unoffered |= extensions->seen[i] && (known[i].places & place) == 0;
}

static bool is_downgrade(const uint8_t *random)
{
    static const uint8_t sentinel[DOWNGRADE_BYTES] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 0};
    const uint8_t *end = random + RANDOM_BYTES - DOWNGRADE_BYTES;
    return memcmp(end, sentinel, DOWNGRADE_BYTES - 1) == 0 && end[DOWNGRADE_BYTES - 1] <= 1;
}

/* All that comes before the extensions. */
static bool read_fixed(struct server_hello *hello, struct cursor *all)
{
    hello->legacy_version = hello->version = cursor_u16(all);
    hello->random = take_vector(all, RANDOM_BYTES);
    size_t id_bytes = cursor_u8(all);
    all->failed |= id_bytes > SESSION_ID_MAX_BYTES;
    hello->session_id = take_vector(all, id_bytes);
    hello->cipher = cursor_u16(all);
    hello->compression = cursor_u8(all);
    return !all->failed;
}

static bool read_hello(struct server_hello *hello, struct cursor *all)
{
    struct extensions extensions = {{false}};
    if (!read_fixed(hello, all))
        return false;
    hello->retry = memcmp(hello->random.bytes, retry_random, RANDOM_BYTES) == 0;
    hello->downgraded = is_downgrade(hello->random.bytes);
    if (cursor_left(all) > 0 && !read_extensions(hello, &extensions, all))
        return false;
    check_places(hello, &extensions);
    return true;
}

bool server_hello_read(const uint8_t *bytes, size_t length, struct server_hello *ret_hello, size_t *ret_at)
{
    struct server_hello hello = {0};
    struct cursor all;
    cursor_init(&all, bytes, length);
    if (read_hello(&hello, &all)) {
        *ret_hello = hello;
        return true;
    }
    if (ret_at != NULL)
        *ret_at = bytes == NULL ? 0 : (size_t)(all.at - bytes);
    return false;
}
