#ifndef PARALLAX_PROBE_PCAP_H
#define PARALLAX_PROBE_PCAP_H

#include "words/address.h"
#include "words/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What was sent and received, as a pcapng file that Wireshark opens. The bytes of the connections and their times are real;
 * the packets around them are not, and the file's header says so: headers of IP and TCP are made here, from what the
 * sockets said, because an ordinary user may not look at the network. One file for all connections of a prober.
 */
struct pcap;

/** @param ret_why  one line; the caller frees it. @return NULL when the file cannot be made (mode 0600, emptied). */
struct pcap *pcap_open(const char *path, char **ret_why);

/** Ends the file. NULL is fine. @return 0, or the errno of the first write that failed. */
int pcap_close(struct pcap *pcap);

/** One connection. Zeroed: not in any file; every call below then does nothing. */
struct pcap_flow {
    struct pcap *pcap;
    struct address ours, theirs;
    uint16_t our_port, their_port;
    uint32_t sent, received; /* next sequence numbers */
    bool ended;
};

/** The SYN, with a comment on its packet. @param at_us  Unix microseconds, here and below. */
void pcap_begin(struct pcap_flow *flow, struct pcap *pcap, const struct evidence_flow *from,
                const char *comment, int64_t at_us);

/** The peer's answer to it: accepted (SYN-ACK and ACK), or refused (RST). */
void pcap_answer(struct pcap_flow *flow, bool accepted, int64_t at_us);

/** Bytes of the connection, cut into segments, and the acknowledgement of the other side. */
void pcap_bytes(struct pcap_flow *flow, bool sent, const void *bytes, size_t length, int64_t at_us);

/** How it ended, once: FIN of the side that closed, or the peer's RST. */
void pcap_end(struct pcap_flow *flow, enum evidence_ending how, int64_t at_us);

enum {
    PCAP_SEGMENT_BYTES = 1400,
    PCAP_HEADERS_MAX_BYTES = 40 + 20,
    PCAP_FIN = 1,
    PCAP_SYN = 2,
    PCAP_RST = 4,
    PCAP_PSH = 8,
    PCAP_ACK = 16
};

/**
 * One IP packet of the flow, with its checksums. Pure.
 * @param flags   PCAP_FIN, PCAP_SYN, ...
 * @param length  at most PCAP_SEGMENT_BYTES.
 * @return its length.
 */
size_t pcap_packet(const struct pcap_flow *flow, bool sent, unsigned flags, const void *bytes, size_t length,
                   uint8_t out[PCAP_HEADERS_MAX_BYTES + PCAP_SEGMENT_BYTES]);

#endif
