#include "hello/extensions.h"

#include "words/address.h"

#include <openssl/ssl.h>

static const struct {
    uint16_t type;
    unsigned places;
} known[TLS_EXTENSION_COUNT] = {
#define X(symbol, type, places) [EXTENSION_##symbol] = {type, places},
    TLS_EXTENSIONS(X)
#undef X
};

bool extension_offered(const struct hello_profile *profile, const char *sni, uint16_t type)
{
    struct address address;
    if (type == known[EXTENSION_SERVER_NAME].type && (sni[0] == '\0' || address_parse(sni, &address)))
        return false;
    if (type == known[EXTENSION_ALPN].type && profile->alpn == NULL)
        return false;
    for (size_t i = 0; i < profile->extensions.count; i++)
        if (profile->extensions.values[i] == type)
            return true;
    return false;
}

static enum tls_extension find(uint16_t type)
{
    for (size_t i = 0; i < TLS_EXTENSION_COUNT; i++)
        if (known[i].type == type)
            return (enum tls_extension)i;
    return TLS_EXTENSION_COUNT;
}

/* Requests bring extensions of their own, and so do tickets; a cookie and the answer to the renegotiation signal are never in a
 * hello, and SCTs are judged where they are read. */
static bool needs_offer(enum tls_extension which, unsigned places)
{
    return (places & (IN_CERTIFICATE_REQUEST | IN_TICKET)) == 0 && which != EXTENSION_COOKIE &&
           which != EXTENSION_RENEGOTIATE && which != EXTENSION_SCTS;
}

bool extensions_read(struct cursor block, unsigned places, const struct hello_profile *profile,
                     const char *sni, struct tls_extensions *ret_extensions, struct tls_fault *ret_fault)
{
    *ret_extensions = (struct tls_extensions){0};
    while (cursor_left(&block) > 0) {
        uint16_t type = cursor_u16(&block);
        struct cursor body = cursor_block(&block, cursor_u16(&block));
        if (block.failed)
            return tls_fault(ret_fault, SSL_AD_DECODE_ERROR, SSL_R_BAD_EXTENSION);
        enum tls_extension which = find(type);
        if (which == TLS_EXTENSION_COUNT)
            continue;
        struct hello_span *span = &ret_extensions->of[which];
        if ((profile != NULL && (known[which].places & places) == 0) || span->bytes != NULL)
            return tls_fault(ret_fault, SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_EXTENSION);
        if (profile != NULL && needs_offer(which, places) && !extension_offered(profile, sni, type))
            return tls_fault(ret_fault, SSL_AD_UNSUPPORTED_EXTENSION, SSL_R_UNSOLICITED_EXTENSION);
        *span = (struct hello_span){.bytes = body.at, .length = cursor_left(&body)};
    }
    return true;
}

bool extensions_fit(const struct tls_extensions *extensions, enum extension_place place)
{
    for (size_t i = 0; i < TLS_EXTENSION_COUNT; i++)
        if (extensions->of[i].bytes != NULL && (known[i].places & (unsigned)place) == 0)
            return false;
    return true;
}

struct cursor extension_cursor(const struct tls_extensions *extensions, enum tls_extension which)
{
    struct cursor cursor;
    cursor_init(&cursor, extensions->of[which].bytes, extensions->of[which].length);
    return cursor;
}

bool extension_list(const struct tls_extensions *extensions, enum tls_extension which,
                    struct cursor *ret_list)
{
    struct cursor cursor = extension_cursor(extensions, which);
    *ret_list = cursor_block(&cursor, cursor_u16(&cursor));
    return !cursor.failed && cursor_left(&cursor) == 0;
}
