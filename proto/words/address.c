#include "words/address.h"

#include <arpa/inet.h>
#include <string.h>

bool address_parse(const char *text, struct address *ret_address)
{
    struct address address = {0};
    if (inet_pton(AF_INET, text, address.bytes) == 1)
        address.length = 4;
    else if (inet_pton(AF_INET6, text, address.bytes) == 1)
        address.length = 16;
    else
        return false;
    *ret_address = address;
    return true;
}

bool address_from_bytes(const uint8_t *bytes, size_t length, struct address *ret_address)
{
    if (length != 0 && length != 4 && length != 16)
        return false;
    *ret_address = (struct address){.length = (uint8_t)length};
    if (length > 0)
        memcpy(ret_address->bytes, bytes, length);
    return true;
}

/* Written very often: the C library's way to it is printf. */
static void ipv4_text(const uint8_t bytes[4], char *out)
{
    for (size_t i = 0; i < 4; i++) {
        unsigned byte = bytes[i];
        if (i > 0)
            *out++ = '.';
        if (byte >= 100)
            *out++ = (char)('0' + byte / 100);
        if (byte >= 10)
            *out++ = (char)('0' + byte / 10 % 10);
        *out++ = (char)('0' + byte % 10);
    }
    *out = '\0';
}

const char *address_text(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
    out[0] = '\0';
    if (address->length == 4)
        ipv4_text(address->bytes, out);
    else if (address->length != 0)
        (void)inet_ntop(AF_INET6, address->bytes, out, ADDRESS_TEXT_BYTES);
    return out;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

socklen_t address_to_sockaddr(const struct address *address, uint16_t port,
                              struct sockaddr_storage *ret_storage)
{
    memset(ret_storage, 0, sizeof *ret_storage);
    if (address->length == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)ret_storage;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, address->bytes, 4);
        return sizeof *in;
    }
    if (address->length == 16) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_storage;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        memcpy(&in6->sin6_addr, address->bytes, 16);
        return sizeof *in6;
    }
    return 0;
}

bool address_from_sockaddr(const struct sockaddr *sockaddr, struct address *ret_address, uint16_t *ret_port)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    uint16_t port;
    if (sockaddr->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sockaddr;
        (void)address_from_bytes((const uint8_t *)&in->sin_addr, 4, ret_address);
        port = ntohs(in->sin_port);
    } else if (sockaddr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sockaddr;
        const uint8_t *bytes = in6->sin6_addr.s6_addr;
        bool v4 = memcmp(bytes, mapped, sizeof mapped) == 0;
        (void)address_from_bytes(v4 ? bytes + sizeof mapped : bytes, v4 ? 4 : 16, ret_address);
        port = ntohs(in6->sin6_port);
    } else {
        return false;
    }
    if (ret_port != NULL)
        *ret_port = port;
    return true;
}

bool cidr_parse(const char *text, struct cidr *ret_cidr)
{
    char host[ADDRESS_TEXT_BYTES];
    const char *slash = strchr(text, '/');
    size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (length >= sizeof host)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    struct cidr cidr;
    if (!address_parse(host, &cidr.address))
        return false;
    unsigned bits = 8U * cidr.address.length;
    if (slash != NULL) {
        unsigned value = 0;
        const char *digit = slash + 1;
        if (*digit == '\0')
            return false;
        for (; *digit != '\0'; digit++) {
            if (*digit < '0' || *digit > '9' || (value = value * 10 + (unsigned)(*digit - '0')) > bits)
                return false;
        }
        bits = value;
    }
    cidr.bits = (uint8_t)bits;
    *ret_cidr = cidr;
    return true;
}

bool cidr_contains(const struct cidr *cidr, const struct address *address)
{
    if (cidr->address.length != address->length)
        return false;
    unsigned whole = cidr->bits / 8U, rest = cidr->bits % 8U;
    if (memcmp(cidr->address.bytes, address->bytes, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    unsigned mask = 0xffU << (8U - rest) & 0xffU;
    return (cidr->address.bytes[whole] & mask) == (address->bytes[whole] & mask);
}
