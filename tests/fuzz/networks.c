#include "fuzz.h"

#include "ingest/network.h"

#include <stdlib.h>
#include <string.h>

/* A database of networks (mmdb) that somebody hands the collector. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const addresses[] = {"192.0.2.7", "203.0.113.9", "2001:db8::7", "::1",
                                            "255.255.255.255"};
    char *why = NULL;
    struct networks *networks = networks_open(fuzz_file(bytes, length), &why);
    REQUIRE((networks == NULL) == (why != NULL));
    for (size_t i = 0; networks != NULL && i < sizeof addresses / sizeof addresses[0]; i++) {
        struct address address;
        struct cidr prefix;
        REQUIRE(address_parse(addresses[i], &address));
        struct network network = network_of(networks, &address);
        REQUIRE(network.asn >= 0 && network.asn <= UINT32_MAX);
        REQUIRE(memchr(network.country, '\0', sizeof network.country) != NULL);
        REQUIRE(network.prefix[0] == '\0' ||
                (cidr_parse(network.prefix, &prefix) && cidr_contains(&prefix, &address)));
    }
    networks_close(networks);
    free(why);
    return 0;
}
