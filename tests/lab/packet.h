#ifndef PARALLAX_LAB_PACKET_H
#define PARALLAX_LAB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* IPv4 and TCP headers, and the start of a ClientHello, as lab-wire reads and makes them. */

enum { IP_HEADER = 20, TCP_HEADER = 20 };
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

/* The parts of an IPv4 TCP segment. */
struct segment {
    uint32_t from, to, sequence, acknowledged; /* host order */
    uint16_t from_port, to_port;
    uint8_t flags;
    const uint8_t *data;
    size_t length;
};

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t sum(const uint8_t *bytes, size_t length, uint32_t total)
{
    for (size_t i = 0; i + 1 < length; i += 2)
        total += get16(bytes + i);
    return length % 2 != 0 ? total + ((uint32_t)bytes[length - 1] << 8) : total;
}

static uint16_t checksum(uint32_t total)
{
    while (total > 0xffff)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

static bool read_segment(const uint8_t *bytes, size_t length, struct segment *ret)
{
    if (length < IP_HEADER || bytes[0] >> 4 != 4 || bytes[9] != 6)
        return false;
    size_t at = (size_t)(bytes[0] & 15) * 4, total = get16(bytes + 2);
    if (at < IP_HEADER || total > length || at + TCP_HEADER > total)
        return false;
    const uint8_t *tcp = bytes + at;
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER || at + header > total)
        return false;
    *ret = (struct segment){.from = get32(bytes + 12),
                            .to = get32(bytes + 16),
                            .from_port = get16(tcp),
                            .to_port = get16(tcp + 2),
                            .sequence = get32(tcp + 4),
                            .acknowledged = get32(tcp + 8),
                            .flags = tcp[13],
                            .data = tcp + header,
                            .length = total - at - header};
    return true;
}

static void ip_header(uint8_t *out, size_t total, uint8_t protocol, uint32_t from, uint32_t to, long ttl)
{
    memset(out, 0, IP_HEADER);
    out[0] = 0x45;
    put16(out + 2, (uint32_t)total);
    out[8] = (uint8_t)ttl;
    out[9] = protocol;
    put32(out + 12, from);
    put32(out + 16, to);
    put16(out + 10, checksum(sum(out, IP_HEADER, 0)));
}

static bool is_hello(const struct segment *segment)
{
    return segment->length >= 6 && segment->data[0] == 22 && segment->data[1] == 3 && segment->data[5] == 1;
}

static bool is_whole(const struct segment *segment)
{
    return segment->length >= 5 + (size_t)get16(segment->data + 3);
}

/* Skips a vector with a length of so many bytes before it. @return false beyond the end. */
static bool skip_vector(const struct segment *segment, size_t *at, size_t prefix)
{
    size_t length = 0;
    if (segment->length < *at + prefix)
        return false;
    for (size_t i = 0; i < prefix; i++)
        length = length << 8 | segment->data[*at + i];
    *at += prefix + length;
    return *at <= segment->length;
}

/* The name in a ClientHello (RFC 6066, 3), as far as this one segment shows it. */
static bool hello_names(const struct segment *segment, const char *name)
{
    size_t at = 5 + 4 + 2 + 32, wanted = strlen(name);
    if (!skip_vector(segment, &at, 1) || !skip_vector(segment, &at, 2) || !skip_vector(segment, &at, 1))
        return false;
    at += 2;
    while (at + 4 <= segment->length) {
        const uint8_t *extension = segment->data + at;
        size_t length = get16(extension + 2);
        if (at + 4 + length > segment->length)
            return false;
        if (get16(extension) == 0)
            return length == wanted + 5 && memcmp(extension + 9, name, wanted) == 0;
        at += 4 + length;
    }
    return false;
}

#endif
