#include "words/evidence_pb.h"

#include "words/message.h"
#include "words/target.h"

#include <openssl/evp.h>
#include <string.h>

enum { OPTION_DEPTH_HELLO = 1 << 8 };

static void endpoint_to_pb(const struct endpoint *endpoint, Parallax__Endpoint *pb)
{
    parallax__endpoint__init(pb);
    pb->id = endpoint->id;
    pb->host = (char *)(uintptr_t)endpoint->host;
    pb->port = endpoint->port;
    pb->sni = (char *)(uintptr_t)endpoint->sni;
    pb->no_sni = endpoint->no_sni;
    pb->address = bytes_to_pb(endpoint->address.bytes, endpoint->address.length);
    pb->role = endpoint->role;
    pb->starttls = endpoint->starttls;
    pb->site = (char *)(uintptr_t)endpoint->site;
    pb->options = endpoint->fetch | (endpoint->depth == DEPTH_HELLO ? OPTION_DEPTH_HELLO : 0);
}

Parallax__EndpointList *list_to_pb(const struct endpoint_list *list, struct arena *arena)
{
    Parallax__EndpointList *pb = arena_take(arena, sizeof *pb);
    Parallax__Endpoint *endpoints = arena_array(arena, list->count, sizeof *endpoints);
    if (pb == NULL || endpoints == NULL)
        return NULL;
    parallax__endpoint_list__init(pb);
    pb->endpoints = arena_array(arena, list->count, sizeof *pb->endpoints);
    if (pb->endpoints == NULL)
        return NULL;
    for (size_t i = 0; i < list->count; i++) {
        endpoint_to_pb(&list->endpoints[i], &endpoints[i]);
        pb->endpoints[pb->n_endpoints++] = &endpoints[i];
    }
    pb->sha256 = bytes_to_pb(list->sha256, sizeof list->sha256);
    return pb;
}

static bool host_is_sound(const char *host)
{
    struct address address;
    return target_is_name(host) || address_parse(host, &address);
}

static bool endpoint_from_pb(const Parallax__Endpoint *pb, struct arena *arena, struct endpoint *ret_endpoint,
                             const char **ret_why)
{
    struct endpoint endpoint = {
        .id = pb->id,
        .site = text_from_pb(pb->site, PLAN_NAME_MAX, arena),
        .host = text_from_pb(pb->host, PLAN_NAME_MAX, arena),
        .port = (uint16_t)pb->port,
        .sni = text_from_pb(pb->sni, PLAN_NAME_MAX, arena),
        .no_sni = pb->no_sni,
        .role = (enum endpoint_role)pb->role,
        .starttls = (enum starttls)pb->starttls,
        .fetch =
            pb->options &
            ~(unsigned)OPTION_DEPTH_HELLO, /* with what a later version may mean by more: it is in the hash */
        .depth = (pb->options & OPTION_DEPTH_HELLO) != 0 ? DEPTH_HELLO : DEPTH_FULL,
    };
    *ret_why = NULL;
    if (endpoint.site == NULL || endpoint.host == NULL || endpoint.sni == NULL)
        *ret_why = "a name of an endpoint is too long";
    else if (!host_is_sound(endpoint.host) || (endpoint.sni[0] != '\0' && !target_is_name(endpoint.sni)))
        *ret_why = "an endpoint's host is neither a name nor an address";
    else if (pb->port == 0 || pb->port > 65535)
        *ret_why = "an endpoint's port is out of range";
    else if (pb->role > ROLE_ORIGIN || pb->starttls > STARTTLS_NONE || pb->id > INT64_MAX)
        *ret_why = "a number of an endpoint is out of range";
    else if (!address_from_bytes(pb->address.data, pb->address.len, &endpoint.address))
        *ret_why = "an endpoint's address is neither 4 nor 16 bytes";
    if (*ret_why == NULL)
        *ret_endpoint = endpoint;
    return *ret_why == NULL;
}

/* The hash is over the encodings, each behind its length, so that no two lists share one. */
static bool hash_endpoint(EVP_MD_CTX *hash, const struct endpoint *endpoint, struct buf *scratch)
{
    Parallax__Endpoint pb;
    endpoint_to_pb(endpoint, &pb);
    size_t length = parallax__endpoint__get_packed_size(&pb);
    buf_clear(scratch);
    uint8_t *room = buf_room(scratch, length);
    if (room == NULL)
        return false;
    (void)parallax__endpoint__pack(&pb, room);
    uint8_t prefix[4] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
                         (uint8_t)length};
    return EVP_DigestUpdate(hash, prefix, sizeof prefix) == 1 && EVP_DigestUpdate(hash, room, length) == 1;
}

bool endpoint_list_seal(struct endpoint_list *list)
{
    struct buf scratch;
    buf_init(&scratch, 0);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool sealed = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; sealed && i < list->count; i++)
        sealed = hash_endpoint(hash, &list->endpoints[i], &scratch);
    sealed = sealed && EVP_DigestFinal_ex(hash, list->sha256, NULL) == 1;
    EVP_MD_CTX_free(hash);
    buf_done(&scratch);
    return sealed;
}

bool list_from_pb(const Parallax__EndpointList *pb, struct arena *arena, struct endpoint_list *ret_list,
                  const char **ret_why)
{
    struct endpoint_list list = {0};
    *ret_why = "too many endpoints";
    if (pb->n_endpoints > PLAN_MAX_ENDPOINTS)
        return false;
    list.endpoints = arena_array(arena, pb->n_endpoints, sizeof *list.endpoints);
    if (list.endpoints == NULL)
        return false;
    for (size_t i = 0; i < pb->n_endpoints; i++) {
        if (!endpoint_from_pb(pb->endpoints[i], arena, &list.endpoints[list.count++], ret_why))
            return false;
    }
    if (!endpoint_list_seal(&list)) {
        *ret_why = "out of memory";
        return false;
    }
    if (pb->sha256.len != sizeof list.sha256 ||
        memcmp(pb->sha256.data, list.sha256, sizeof list.sha256) != 0) {
        *ret_why = "an endpoint list does not match its hash";
        return false;
    }
    *ret_list = list;
    return true;
}

void round_to_pb(const struct round_plan *plan, Parallax__RoundPlan *pb)
{
    parallax__round_plan__init(pb);
    pb->round_id = plan->round_id;
    pb->start_us = plan->start_us;
    pb->spread_us = plan->spread_us;
    pb->timeout_us = plan->timeout_us;
    pb->deadline_us = plan->deadline_us;
    pb->list_sha256 = bytes_to_pb(plan->list_sha256, sizeof plan->list_sha256);
    pb->now = plan->now;
}

bool round_from_pb(const Parallax__RoundPlan *pb, struct round_plan *ret_plan, const char **ret_why)
{
    const uint64_t day_us = UINT64_C(86400) * 1000000;
    struct round_plan plan = {
        .round_id = pb->round_id,
        .start_us = pb->start_us,
        .spread_us = pb->spread_us,
        .timeout_us = pb->timeout_us,
        .deadline_us = pb->deadline_us,
        .now = pb->now,
    };
    *ret_why = "a round's hash is not 32 bytes";
    if (pb->list_sha256.len != sizeof plan.list_sha256)
        return false;
    *ret_why = "a round's spread or timeout is out of range";
    if (pb->round_id == 0 || pb->round_id > INT64_MAX || pb->spread_us > day_us || pb->timeout_us == 0 ||
        pb->timeout_us > day_us)
        return false;
    memcpy(plan.list_sha256, pb->list_sha256.data, sizeof plan.list_sha256);
    *ret_plan = plan;
    return true;
}
