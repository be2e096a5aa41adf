#include "ingest/network.h"

#include "cli/i18n.h"
#include "store/command.h"

#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct networks {
    MMDB_s file;
};

struct networks *networks_open(const char *path, char **ret_why)
{
    struct networks *networks = calloc(1, sizeof *networks);
    int status =
        networks == NULL ? MMDB_OUT_OF_MEMORY_ERROR : MMDB_open(path, MMDB_MODE_MMAP, &networks->file);
    if (status == MMDB_SUCCESS)
        return networks;
    *ret_why = text_format(_("cannot read the network database %s: %s"), path, MMDB_strerror(status));
    free(networks);
    return NULL;
}

void networks_close(struct networks *networks)
{
    if (networks == NULL)
        return;
    MMDB_close(&networks->file);
    free(networks);
}

static bool network_get(MMDB_entry_s *entry, MMDB_entry_data_s *ret_data, const char *const *path)
{
    return MMDB_aget_value(entry, ret_data, path) == MMDB_SUCCESS && ret_data->has_data;
}

/* As a number (GeoLite2-ASN) or as text "AS4837" (IPinfo). */
static int64_t network_asn(MMDB_entry_s *entry)
{
    MMDB_entry_data_s data;
    const char *number[] = {"autonomous_system_number", NULL};
    const char *text[] = {"asn", NULL};
    if (network_get(entry, &data, number) && data.type == MMDB_DATA_TYPE_UINT32)
        return data.uint32;
    if (!network_get(entry, &data, text) || data.type != MMDB_DATA_TYPE_UTF8_STRING || data.data_size < 3 ||
        data.data_size > 12 || strncmp(data.utf8_string, "AS", 2) != 0)
        return 0;
    int64_t asn = 0;
    for (uint32_t i = 2; i < data.data_size; i++) {
        if (data.utf8_string[i] < '0' || data.utf8_string[i] > '9')
            return 0;
        asn = asn * 10 + (data.utf8_string[i] - '0');
    }
    return asn <= UINT32_MAX ? asn : 0;
}

/* ISO 3166: two capital letters. A file that is damaged, or somebody's own, may hold anything. */
static bool is_country(const MMDB_entry_data_s *data)
{
    const char *text = data->utf8_string;
    return data->type == MMDB_DATA_TYPE_UTF8_STRING && data->data_size == 2 && text[0] >= 'A' &&
           text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z';
}

static void network_country(MMDB_entry_s *entry, char out[3])
{
    static const char *const paths[][3] = {
        {"country", "iso_code", NULL}, {"country_code", NULL}, {"country", NULL}};
    MMDB_entry_data_s data;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (network_get(entry, &data, paths[i]) && is_country(&data)) {
            memcpy(out, data.utf8_string, 2);
            out[2] = '\0';
            return;
        }
    }
}

static void network_prefix(const struct networks *networks, const struct address *address, unsigned bits,
                           struct network *network)
{
    char text[ADDRESS_TEXT_BYTES];
    struct address first = *address;
    if (address->length == 4 && networks->file.metadata.ip_version == 6)
        bits = bits >= 96 ? bits - 96 : 0;
    if (bits > address->length * 8U)
        return;
    for (unsigned bit = bits; bit < address->length * 8U; bit++)
        first.bytes[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
    (void)snprintf(network->prefix, sizeof network->prefix, "%s/%u", address_text(&first, text), bits);
}

struct network network_of(const struct networks *networks, const struct address *address)
{
    struct network network = {0};
    struct sockaddr_storage storage;
    if (networks == NULL || address_to_sockaddr(address, 0, &storage) == 0)
        return network;
    int status = MMDB_SUCCESS;
    MMDB_lookup_result_s found =
        MMDB_lookup_sockaddr(&networks->file, (const struct sockaddr *)&storage, &status);
    if (status != MMDB_SUCCESS || !found.found_entry)
        return network;
    network.asn = network_asn(&found.entry);
    network_country(&found.entry, network.country);
    network_prefix(networks, address, found.netmask, &network);
    return network;
}
