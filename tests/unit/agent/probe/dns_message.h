#ifndef PARALLAX_TEST_DNS_MESSAGE_H
#define PARALLAX_TEST_DNS_MESSAGE_H

#include <stdint.h>
#include <string.h>

/* Builds DNS answers by hand: the question "a.test", and records that point back at it. */

struct dns_message {
    uint8_t bytes[8192];
    size_t length;
};

static inline void dns_u16(struct dns_message *message, unsigned value)
{
    message->bytes[message->length++] = (uint8_t)(value >> 8);
    message->bytes[message->length++] = (uint8_t)value;
}

static inline void dns_bytes(struct dns_message *message, const void *bytes, size_t length)
{
    memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}

/* Header and question. */
static inline void dns_begin(struct dns_message *message, unsigned id, unsigned rcode, unsigned answers,
                             unsigned type)
{
    message->length = 0;
    dns_u16(message, id);
    dns_u16(message, 0x8180 | rcode);
    dns_u16(message, 1);
    dns_u16(message, answers);
    dns_u16(message, 0);
    dns_u16(message, 0);
    dns_bytes(message, "\1a\4test", 8);
    dns_u16(message, type);
    dns_u16(message, 1);
}

static inline void dns_record(struct dns_message *message, unsigned type, unsigned ttl_s, const void *data,
                              size_t length)
{
    dns_u16(message, 0xc00c);
    dns_u16(message, type);
    dns_u16(message, 1);
    dns_u16(message, ttl_s >> 16);
    dns_u16(message, ttl_s & 0xffff);
    dns_u16(message, (unsigned)length);
    dns_bytes(message, data, length);
}

#endif
