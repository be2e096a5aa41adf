#include "words/plan.h"

#include <stdio.h>
#include <string.h>

#define NAME_CASE(symbol, number, name)                                                                      \
    case symbol:                                                                                             \
        return name;

const char *endpoint_role_name(int role)
{
    switch (role) {
        ENDPOINT_ROLES(NAME_CASE)
    }
    return "?";
}

const char *variant_name(int variant)
{
    switch (variant) {
        VARIANTS(NAME_CASE)
    }
    return "?";
}

const char *attempt_role_name(int role)
{
    switch (role) {
        ATTEMPT_ROLES(NAME_CASE)
    }
    return "?";
}

const char *depth_name(int depth)
{
    switch (depth) {
        DEPTHS(NAME_CASE)
    }
    return "?";
}

bool depth_from_name(const char *name, enum depth *ret_depth)
{
#define X(symbol, number, text)                                                                              \
    if (strcmp(name, text) == 0) {                                                                           \
        *ret_depth = symbol;                                                                                 \
        return true;                                                                                         \
    }
    DEPTHS(X)
#undef X
    return false;
}

bool endpoint_role_from_name(const char *name, enum endpoint_role *ret_role)
{
#define X(symbol, number, text)                                                                              \
    if (strcmp(name, text) == 0) {                                                                           \
        *ret_role = symbol;                                                                                  \
        return true;                                                                                         \
    }
    ENDPOINT_ROLES(X)
#undef X
    return false;
}

bool variant_from_number(uint32_t number, enum variant *ret_variant)
{
#define X(symbol, value, text)                                                                               \
    if (number == (value)) {                                                                                 \
        *ret_variant = symbol;                                                                               \
        return true;                                                                                         \
    }
    VARIANTS(X)
#undef X
    return false;
}

static bool fetch_from_name(const char *name, size_t length, unsigned *fetch)
{
    static const struct {
        const char *name;
        unsigned flag;
    } rows[] = {{"issuer", FETCH_ISSUER}, {"ocsp", FETCH_OCSP}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) {
            *fetch |= rows[i].flag;
            return true;
        }
    }
    return false;
}

bool fetch_from_text(const char *text, unsigned *ret_fetch)
{
    static const char blanks[] = ", ";
    unsigned fetch = 0;
    bool none = strcmp(text, "none") == 0;
    const char *at = text + strspn(text, blanks);
    if (*at == '\0')
        return false;
    for (size_t length; !none && *at != '\0'; at += length + strspn(at + length, blanks)) {
        length = strcspn(at, blanks);
        if (!fetch_from_name(at, length, &fetch))
            return false;
    }
    *ret_fetch = fetch;
    return true;
}

bool variant_fetches(enum variant variant)
{
    return variant == VARIANT_ISSUER || variant == VARIANT_OCSP;
}

bool endpoint_copy(const struct endpoint *endpoint, struct arena *arena, struct endpoint *ret_copy)
{
    struct endpoint copy = *endpoint;
    copy.site = arena_string(arena, endpoint->site);
    copy.host = arena_string(arena, endpoint->host);
    copy.sni = arena_string(arena, endpoint->sni);
    if (copy.site == NULL || copy.host == NULL || copy.sni == NULL)
        return false;
    *ret_copy = copy;
    return true;
}

const char *endpoint_sni(const struct endpoint *endpoint)
{
    struct address address;
    if (endpoint->no_sni)
        return "";
    if (endpoint->sni[0] != '\0')
        return endpoint->sni;
    return address_parse(endpoint->host, &address) ? "" : endpoint->host;
}

const char *endpoint_text(const struct endpoint *endpoint, char out[ENDPOINT_TEXT_BYTES])
{
    bool v6 = strchr(endpoint->host, ':') != NULL;
    (void)snprintf(out, ENDPOINT_TEXT_BYTES, "%s%s%s:%u", v6 ? "[" : "", endpoint->host, v6 ? "]" : "",
                   endpoint->port);
    return out;
}

/* The finalizer of SplitMix64: every bit of the id moves every bit of the slot, and both sides agree on it
 * for good. */
static uint64_t mix64(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

int64_t round_slot_us(const struct round_plan *plan, uint64_t endpoint_id)
{
    if (plan->spread_us == 0)
        return plan->start_us;
    return plan->start_us + (int64_t)(mix64(endpoint_id) % (plan->spread_us + 1));
}
