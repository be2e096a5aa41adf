#ifndef PARALLAX_WORDS_ADDRESS_H
#define PARALLAX_WORDS_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/** An IP address without a port. length 0: none; 4: IPv4; 16: IPv6. Network byte order. Zeroed is "none". */
struct address {
    uint8_t length;
    uint8_t bytes[16];
};

/** A network: an address and how many of its leading bits count. */
struct cidr {
    struct address address;
    uint8_t bits;
};

enum address_kind {
    ADDRESS_PUBLIC,
    ADDRESS_LOOPBACK,
    ADDRESS_PRIVATE,
    ADDRESS_LINK_LOCAL,
    ADDRESS_MULTICAST,
    ADDRESS_RESERVED,
    ADDRESS_METADATA /* tells a cloud's machines their credentials */
};

enum { ADDRESS_TEXT_BYTES = 46 };

/** Parses "203.0.113.7" or "2001:db8::1" (no brackets, no zone). @return false when it is neither. */
bool address_parse(const char *text, struct address *ret_address);

/** From 0, 4 or 16 raw bytes. @return false for any other length. */
bool address_from_bytes(const uint8_t *bytes, size_t length, struct address *ret_address);

/** Writes the text form ("" for none) into out, ADDRESS_TEXT_BYTES long. @return out. */
const char *address_text(const struct address *address, char out[ADDRESS_TEXT_BYTES]);

bool address_equal(const struct address *a, const struct address *b);

/** @return the length of the sockaddr written, 0 for "none". */
socklen_t address_to_sockaddr(const struct address *address, uint16_t port,
                              struct sockaddr_storage *ret_storage);

/** @param ret_port  may be NULL. IPv4-mapped IPv6 becomes IPv4. @return false for other families. */
bool address_from_sockaddr(const struct sockaddr *sockaddr, struct address *ret_address, uint16_t *ret_port);

/**
 * What sort of address it is (address_kind.c has the table). One that leads to an IPv4 address that is not public is of that
 * address's sort, whatever it looks like.
 */
enum address_kind address_kind(const struct address *address);

/** "public", "loopback", "private", "link-local", "multicast", "reserved", "metadata". */
const char *address_kind_name(enum address_kind kind);

/** The IPv4 address that an IPv6 one leads to: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056). @return false: none. */
bool address_embedded(const struct address *address, struct address *ret_inner);

/** Parses "203.0.113.0/24" or a single address. @return false when malformed or bits exceed the address. */
bool cidr_parse(const char *text, struct cidr *ret_cidr);
bool cidr_contains(const struct cidr *cidr, const struct address *address);

#endif
