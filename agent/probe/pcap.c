#include "probe/pcap.h"

#include "cli/i18n.h"
#include "words/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * pcapng (draft-ietf-opsawg-pcapng): a section header, one interface of raw IP packets with microseconds, and an enhanced
 * packet block for each packet. Numbers are in this machine's order, which the section header's magic tells.
 */

enum {
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    LINKTYPE_RAW = 101,
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_APPLICATION = 4,
    OPTION_TIME_RESOLUTION = 9,
    COMMENT_MAX_BYTES = 512,
    IPV4_BYTES = 20,
    IPV6_BYTES = 40,
    TCP_BYTES = 20,
    PROTOCOL_TCP = 6,
    HOPS = 64,
    WINDOW = 65535,
    FIRST_SENT = 1000, /* initial sequence numbers, so that nobody takes them for real ones */
    FIRST_RECEIVED = 2000,
};
#define BLOCK_SECTION    UINT32_C(0x0A0D0D0A)
#define BYTE_ORDER_MAGIC UINT32_C(0x1A2B3C4D)

static const char synthetic[] = "Synthetic: the bytes of each connection and their times are as sent and "
                                "received; the IP and TCP headers around them "
                                "are made up (sequence numbers, windows, segment boundaries, "
                                "acknowledgements). Retransmissions are not seen.";

struct pcap {
    FILE *file;
    int error; /* the first */
};

/* --- packets -------------------------------------------------------------------------------------------------- */

static void put16(uint8_t *at, unsigned number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

static void put32(uint8_t *at, uint32_t number)
{
    put16(at, number >> 16);
    put16(at + 2, number & 0xffff);
}

/* RFC 1071. */
static uint32_t sum16(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i + 1 < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return length % 2 == 0 ? sum : sum + ((uint32_t)bytes[length - 1] << 8);
}

static unsigned fold(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static void put_ipv4(uint8_t *at, const struct address *from, const struct address *to, size_t payload)
{
    memset(at, 0, IPV4_BYTES);
    at[0] = 0x45;
    put16(at + 2, (unsigned)(IPV4_BYTES + payload));
    put16(at + 6, 0x4000); /* do not fragment */
    at[8] = HOPS;
    at[9] = PROTOCOL_TCP;
    memcpy(at + 12, from->bytes, 4);
    memcpy(at + 16, to->bytes, 4);
    put16(at + 10, fold(sum16(0, at, IPV4_BYTES)));
}

static void put_ipv6(uint8_t *at, const struct address *from, const struct address *to, size_t payload)
{
    memset(at, 0, 8);
    at[0] = 0x60;
    put16(at + 4, (unsigned)payload);
    at[6] = PROTOCOL_TCP;
    at[7] = HOPS;
    memcpy(at + 8, from->bytes, 16);
    memcpy(at + 24, to->bytes, 16);
}

size_t pcap_packet(const struct pcap_flow *flow, bool sent, unsigned flags, const void *bytes, size_t length,
                   uint8_t out[PCAP_HEADERS_MAX_BYTES + PCAP_SEGMENT_BYTES])
{
    const struct address *from = sent ? &flow->ours : &flow->theirs, *to = sent ? &flow->theirs : &flow->ours;
    size_t ip_bytes = from->length == 4 ? IPV4_BYTES : IPV6_BYTES;
    uint8_t *tcp = out + ip_bytes;
    memset(tcp, 0, TCP_BYTES);
    put16(tcp, sent ? flow->our_port : flow->their_port);
    put16(tcp + 2, sent ? flow->their_port : flow->our_port);
    put32(tcp + 4, sent ? flow->sent : flow->received);
    put32(tcp + 8, (flags & PCAP_ACK) == 0 ? 0 : sent ? flow->received : flow->sent);
    tcp[12] = TCP_BYTES / 4 << 4;
    tcp[13] = (uint8_t)flags;
    put16(tcp + 14, WINDOW);
    if (length > 0)
        memcpy(tcp + TCP_BYTES, bytes, length);
    /* The pseudo header: addresses, protocol and length (RFC 9293, 3.1; RFC 8200, 8.1). */
    uint32_t sum = sum16(sum16(0, from->bytes, from->length), to->bytes, to->length);
    sum += PROTOCOL_TCP + (uint32_t)(TCP_BYTES + length);
    put16(tcp + 16, fold(sum16(sum, tcp, TCP_BYTES + length)));
    if (from->length == 4)
        put_ipv4(out, from, to, TCP_BYTES + length);
    else
        put_ipv6(out, from, to, TCP_BYTES + length);
    return ip_bytes + TCP_BYTES + length;
}

/* --- blocks --------------------------------------------------------------------------------------------------- */

static bool block_number(struct buf *block, uint32_t number)
{
    return buf_append(block, &number, sizeof number);
}

static bool block_padded(struct buf *block, const void *bytes, size_t length)
{
    static const uint8_t zeroes[4];
    return buf_append(block, bytes, length) && buf_append(block, zeroes, (4 - length % 4) % 4);
}

static bool block_option(struct buf *block, uint16_t code, const void *value, size_t length)
{
    uint16_t header[2] = {code, (uint16_t)length};
    return buf_append(block, header, sizeof header) && block_padded(block, value, length);
}

/* A block of a type around its body, whose length stands before and after it. */
static void write_block(struct pcap *pcap, uint32_t type, const struct buf *body, bool whole)
{
    uint32_t length = (uint32_t)body->len + 3 * sizeof length;
    bool written = whole && fwrite(&type, sizeof type, 1, pcap->file) == 1 &&
                   fwrite(&length, sizeof length, 1, pcap->file) == 1 &&
                   fwrite(body->data, body->len, 1, pcap->file) == 1 &&
                   fwrite(&length, sizeof length, 1, pcap->file) == 1;
    if (!written && pcap->error == 0)
        pcap->error = whole ? errno : ENOMEM;
}

static void write_section(struct pcap *pcap)
{
    static const char application[] = "parallax-agent " PARALLAX_VERSION;
    const uint16_t version[2] = {1, 0};
    const uint64_t unknown_length = UINT64_MAX;
    struct buf body;
    buf_init(&body, 0);
    bool whole = block_number(&body, BYTE_ORDER_MAGIC) && buf_append(&body, version, sizeof version) &&
                 buf_append(&body, &unknown_length, sizeof unknown_length) &&
                 block_option(&body, OPTION_COMMENT, synthetic, sizeof synthetic - 1) &&
                 block_option(&body, OPTION_APPLICATION, application, sizeof application - 1) &&
                 block_option(&body, OPTION_END, NULL, 0);
    write_block(pcap, BLOCK_SECTION, &body, whole);
    buf_done(&body);
}

static void write_interface(struct pcap *pcap)
{
    const uint16_t link[2] = {LINKTYPE_RAW, 0};
    const uint8_t microseconds = 6;
    struct buf body;
    buf_init(&body, 0);
    bool whole = buf_append(&body, link, sizeof link) && block_number(&body, 0) &&
                 block_option(&body, OPTION_TIME_RESOLUTION, &microseconds, sizeof microseconds) &&
                 block_option(&body, OPTION_END, NULL, 0);
    write_block(pcap, BLOCK_INTERFACE, &body, whole);
    buf_done(&body);
}

static void write_packet(struct pcap *pcap, const uint8_t *packet, size_t length, const char *comment,
                         int64_t at_us)
{
    struct buf body;
    buf_init(&body, 0);
    uint64_t at = (uint64_t)at_us;
    bool whole = block_number(&body, 0) && block_number(&body, (uint32_t)(at >> 32)) &&
                 block_number(&body, (uint32_t)at) && block_number(&body, (uint32_t)length) &&
                 block_number(&body, (uint32_t)length) && block_padded(&body, packet, length);
    if (comment != NULL)
        whole = whole && block_option(&body, OPTION_COMMENT, comment, strnlen(comment, COMMENT_MAX_BYTES)) &&
                block_option(&body, OPTION_END, NULL, 0);
    write_block(pcap, BLOCK_PACKET, &body, whole);
    buf_done(&body);
}

/* --- the file ------------------------------------------------------------------------------------------------- */

struct pcap *pcap_open(const char *path, char **ret_why)
{
    struct pcap *pcap = calloc(1, sizeof *pcap);
    int fd = pcap == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0)
        pcap->file = fdopen(fd, "wb");
    if (pcap != NULL && pcap->file != NULL) {
        write_section(pcap);
        write_interface(pcap);
        return pcap;
    }
    struct buf why;
    buf_init(&why, 0);
    (void)buf_printf(&why, _("capture file \"%s\": %s"), path, strerror(pcap == NULL ? ENOMEM : errno));
    *ret_why = buf_take(&why);
    if (fd >= 0)
        (void)close(fd);
    free(pcap);
    return NULL;
}

int pcap_close(struct pcap *pcap)
{
    if (pcap == NULL)
        return 0;
    int error = pcap->error;
    if (fclose(pcap->file) != 0 && error == 0)
        error = errno;
    free(pcap);
    return error;
}

/* --- a connection --------------------------------------------------------------------------------------------- */

static void packet(struct pcap_flow *flow, bool sent, unsigned flags, const void *bytes, size_t length,
                   const char *comment, int64_t at_us)
{
    uint8_t made[PCAP_HEADERS_MAX_BYTES + PCAP_SEGMENT_BYTES];
    size_t whole = pcap_packet(flow, sent, flags, bytes, length, made);
    write_packet(flow->pcap, made, whole, comment, at_us);
    /* SYN and FIN take a number of the sequence each. */
    uint32_t taken = (uint32_t)length + ((flags & (PCAP_SYN | PCAP_FIN)) != 0);
    *(sent ? &flow->sent : &flow->received) += taken;
}

void pcap_begin(struct pcap_flow *flow, struct pcap *pcap, const struct evidence_flow *from,
                const char *comment, int64_t at_us)
{
    *flow = (struct pcap_flow){0};
    if (pcap == NULL || from->source.length == 0 || from->source.length != from->destination.length)
        return;
    *flow = (struct pcap_flow){.pcap = pcap,
                               .ours = from->source,
                               .theirs = from->destination,
                               .our_port = from->source_port,
                               .their_port = from->destination_port,
                               .sent = FIRST_SENT,
                               .received = FIRST_RECEIVED};
    packet(flow, true, PCAP_SYN, NULL, 0, comment, at_us);
}

void pcap_answer(struct pcap_flow *flow, bool accepted, int64_t at_us)
{
    if (flow->pcap == NULL)
        return;
    if (!accepted) {
        flow->received = 0;
        packet(flow, false, PCAP_RST | PCAP_ACK, NULL, 0, NULL, at_us);
        flow->ended = true;
        return;
    }
    packet(flow, false, PCAP_SYN | PCAP_ACK, NULL, 0, NULL, at_us);
    packet(flow, true, PCAP_ACK, NULL, 0, NULL, at_us);
}

void pcap_bytes(struct pcap_flow *flow, bool sent, const void *bytes, size_t length, int64_t at_us)
{
    if (flow->pcap == NULL || flow->ended)
        return;
    for (size_t at = 0; at < length; at += PCAP_SEGMENT_BYTES) {
        size_t take = length - at < PCAP_SEGMENT_BYTES ? length - at : PCAP_SEGMENT_BYTES;
        bool last = at + take == length;
        packet(flow, sent, PCAP_ACK | (last ? PCAP_PSH : 0), (const uint8_t *)bytes + at, take, NULL, at_us);
    }
    packet(flow, !sent, PCAP_ACK, NULL, 0, NULL, at_us);
}

void pcap_end(struct pcap_flow *flow, enum evidence_ending how, int64_t at_us)
{
    if (flow->pcap == NULL || flow->ended)
        return;
    flow->ended = true;
    if (how == ENDING_RESET) {
        packet(flow, false, PCAP_RST | PCAP_ACK, NULL, 0, NULL, at_us);
        return;
    }
    if (how == ENDING_FIN || how == ENDING_CLOSE_NOTIFY)
        packet(flow, false, PCAP_FIN | PCAP_ACK, NULL, 0, NULL, at_us);
    packet(flow, true, PCAP_FIN | PCAP_ACK, NULL, 0, NULL, at_us);
}
