#include "words/address.h"

#include <string.h>

/*
 * What no name of a stranger's may lead a prober to. The IANA special-purpose registries (RFC 6890, RFC 8190), the multicast
 * and reserved blocks beside them, and the addresses at which clouds give their own machines credentials. The first match
 * wins. Of IPv6 only 2000::/3 has been given to anybody (RFC 4291, 2.4), so what is not named here and not in it is reserved.
 * Blocks that the registries call globally reachable and that are ordinary servers' (AS112) have no row.
 */
static const struct {
    const char *network;
    enum address_kind kind;
    const char *source; /* who says so */
} networks[] = {
    {"169.254.169.254/32", ADDRESS_METADATA, "AWS, Azure, Google Cloud, Oracle, OpenStack, DigitalOcean"},
    {"169.254.169.253/32", ADDRESS_METADATA, "AWS, the resolver of a VPC"},
    {"169.254.170.2/32", ADDRESS_METADATA, "AWS, credentials of ECS tasks"},
    {"169.254.170.23/32", ADDRESS_METADATA, "AWS, credentials of EKS pods"},
    {"169.254.0.23/32", ADDRESS_METADATA, "Tencent Cloud"},
    {"169.254.42.42/32", ADDRESS_METADATA, "Scaleway"},
    {"100.100.100.200/32", ADDRESS_METADATA, "Alibaba Cloud"},
    {"192.0.0.192/32", ADDRESS_METADATA, "Oracle Cloud Classic"},
    {"168.63.129.16/32", ADDRESS_METADATA, "Azure, the wire server"},
    {"fd00:ec2::254/128", ADDRESS_METADATA, "AWS"},
    {"fd00:ec2::253/128", ADDRESS_METADATA, "AWS, the resolver of a VPC"},
    {"fd00:ec2::23/128", ADDRESS_METADATA, "AWS, credentials of EKS pods"},
    {"fd20:ce::254/128", ADDRESS_METADATA, "Google Cloud"},
    {"fd00:42::42/128", ADDRESS_METADATA, "Scaleway"},
    {"fe80::a9fe:a9fe/128", ADDRESS_METADATA, "OpenStack"},

    {"0.0.0.0/8", ADDRESS_RESERVED, "RFC 791, 3.2: this network"},
    {"10.0.0.0/8", ADDRESS_PRIVATE, "RFC 1918"},
    {"100.64.0.0/10", ADDRESS_PRIVATE, "RFC 6598: carriers' NAT"},
    {"127.0.0.0/8", ADDRESS_LOOPBACK, "RFC 1122, 3.2.1.3"},
    {"169.254.0.0/16", ADDRESS_LINK_LOCAL, "RFC 3927"},
    {"172.16.0.0/12", ADDRESS_PRIVATE, "RFC 1918"},
    {"192.0.0.0/24", ADDRESS_RESERVED, "RFC 6890, 2.1: protocol assignments"},
    {"192.0.2.0/24", ADDRESS_RESERVED, "RFC 5737: documentation"},
    {"192.88.99.0/24", ADDRESS_RESERVED, "RFC 7526: relays of 6to4 that were"},
    {"192.168.0.0/16", ADDRESS_PRIVATE, "RFC 1918"},
    {"198.18.0.0/15", ADDRESS_RESERVED, "RFC 2544: benchmarking"},
    {"198.51.100.0/24", ADDRESS_RESERVED, "RFC 5737: documentation"},
    {"203.0.113.0/24", ADDRESS_RESERVED, "RFC 5737: documentation"},
    {"224.0.0.0/4", ADDRESS_MULTICAST, "RFC 5771"},
    {"240.0.0.0/4", ADDRESS_RESERVED, "RFC 1112, 4; RFC 8190: 255.255.255.255"},

    {"::1/128", ADDRESS_LOOPBACK, "RFC 4291, 2.5.3"},
    {"::/96", ADDRESS_RESERVED, "RFC 4291, 2.5.2 and 2.5.5.1: unspecified, IPv4-compatible"},
    {"::ffff:0:0/96", ADDRESS_RESERVED, "RFC 4291, 2.5.5.2: IPv4-mapped"},
    {"64:ff9b::/96", ADDRESS_PUBLIC, "RFC 6052: NAT64, as public as what it embeds"},
    {"64:ff9b:1::/48", ADDRESS_RESERVED, "RFC 8215: NAT64 of a local network"},
    {"100::/64", ADDRESS_RESERVED, "RFC 6666: discard"},
    {"2001::/23", ADDRESS_RESERVED,
     "RFC 2928: Teredo (RFC 4380), benchmarking (RFC 5180), ORCHID (RFC 7343)"},
    {"2001:db8::/32", ADDRESS_RESERVED, "RFC 3849: documentation"},
    {"3fff::/20", ADDRESS_RESERVED, "RFC 9637: documentation"},
    {"2000::/3", ADDRESS_PUBLIC,
     "RFC 4291, 2.4: global unicast; 6to4 (RFC 3056) as public as what it embeds"},
    {"fc00::/7", ADDRESS_PRIVATE, "RFC 4193"},
    {"fe80::/10", ADDRESS_LINK_LOCAL, "RFC 4291, 2.5.6"},
    {"fec0::/10", ADDRESS_PRIVATE, "RFC 3879: site-local"},
    {"ff00::/8", ADDRESS_MULTICAST, "RFC 4291, 2.7"},
    {"::/0", ADDRESS_RESERVED, "RFC 4291, 2.4: given to nobody"},
};

static enum address_kind outer_kind(const struct address *address)
{
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        struct cidr cidr;
        if (cidr_parse(networks[i].network, &cidr) && cidr_contains(&cidr, address))
            return networks[i].kind;
    }
    return ADDRESS_PUBLIC;
}

bool address_embedded(const struct address *address, struct address *ret_inner)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const uint8_t six_to_four[2] = {0x20, 0x02};
    const uint8_t *bytes = address->bytes, *inner = NULL;
    if (address->length != 16)
        return false;
    if (memcmp(bytes, mapped, sizeof mapped) == 0 || memcmp(bytes, nat64, sizeof nat64) == 0)
        inner = bytes + 12;
    else if (memcmp(bytes, six_to_four, sizeof six_to_four) == 0)
        inner = bytes + sizeof six_to_four;
    return inner != NULL && address_from_bytes(inner, 4, ret_inner);
}

enum address_kind address_kind(const struct address *address)
{
    struct address inner;
    enum address_kind kind = address_embedded(address, &inner) ? outer_kind(&inner) : ADDRESS_PUBLIC;
    return kind != ADDRESS_PUBLIC ? kind : outer_kind(address);
}

const char *address_kind_name(enum address_kind kind)
{
    static const char *const names[] = {"public",    "loopback", "private", "link-local",
                                        "multicast", "reserved", "metadata"};
    return names[kind];
}
