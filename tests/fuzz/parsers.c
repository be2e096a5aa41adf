#include "fuzz.h"

#include "duty/policy.h"
#include "ingest/token.h"
#include "words/address.h"
#include "words/target.h"
#include "words/units.h"

#include <stdlib.h>
#include <string.h>

/* The small readers of what people and peers write: addresses, networks, targets, tokens, times, spans, policy entries. */

static void check_address(const char *text)
{
    struct address address, again;
    struct cidr cidr;
    char out[ADDRESS_TEXT_BYTES];
    if (address_parse(text, &address)) {
        REQUIRE(address_parse(address_text(&address, out), &again) && address_equal(&address, &again));
        (void)address_kind(&address);
    }
    if (cidr_parse(text, &cidr)) {
        REQUIRE(cidr.bits <= cidr.address.length * 8);
        REQUIRE(cidr_contains(&cidr, &cidr.address));
    }
}

/* What was read, written out, is read as the same. */
static void check_target(const char *text)
{
    struct arena arena;
    struct endpoint endpoint, again;
    const char *why = NULL;
    char out[ENDPOINT_TEXT_BYTES];
    arena_init(&arena, 64 * 1024);
    if (target_parse(text, &arena, &endpoint, &why)) {
        REQUIRE(strlen(endpoint.host) <= PLAN_NAME_MAX && endpoint.port != 0);
        REQUIRE(endpoint.address.length != 0 || target_is_name(endpoint.host));
        REQUIRE(target_parse(endpoint_text(&endpoint, out), &arena, &again, &why));
        REQUIRE(strcmp(endpoint.host, again.host) == 0 && endpoint.port == again.port);
        REQUIRE(address_equal(&endpoint.address, &again.address));
    } else {
        REQUIRE(why != NULL);
    }
    arena_done(&arena);
}

static void check_units(const char *text)
{
    int64_t us = 0, again = 0;
    char out[UNITS_TIME_BYTES], span[UNITS_SPAN_BYTES];
    if (time_parse_rfc3339(text, &us))
        REQUIRE(time_parse_rfc3339(time_rfc3339(us, 6, out), &again) && again == us);
    if (span_parse(text, &us)) {
        REQUIRE(us >= 0);
        REQUIRE(strlen(span_text(us, span)) < sizeof span);
    }
}

static void check_words(const char *text)
{
    uint8_t sha256[32];
    char hex[2 * 32 + 1];
    unsigned fetch = 0;
    (void)token_secret_sha256(text, sha256);
    if (hex_parse(text, sha256, sizeof sha256))
        REQUIRE(strcasecmp(hex_text(sha256, sizeof sha256, hex), text) == 0);
    if (fetch_from_text(text, &fetch))
        REQUIRE((fetch & ~(unsigned)FETCH_ALL) == 0);
    if (vantage_name_valid(text))
        fuzz_printable(text, strlen(text));
}

static void check_policy(const char *text)
{
    struct policy policy = {0};
    struct endpoint endpoint = {.site = "", .host = text, .port = 443, .sni = ""};
    const char *why = NULL;
    char rule[POLICY_WHY_BYTES];
    struct address metadata;
    REQUIRE(address_parse("169.254.169.254", &metadata));
    if (policy_allow(&policy, text, &why)) {
        REQUIRE(policy.allow.cidr_count > 0 || !policy_allows_address(&policy, &metadata, rule));
        if (!policy_allows(&policy, &endpoint, rule))
            fuzz_printable(rule, strlen(rule));
        /* what is denied as well is not allowed */
        REQUIRE(policy_deny(&policy, text, &why));
        REQUIRE(!policy_allows(&policy, &endpoint, rule));
    } else {
        REQUIRE(why != NULL);
    }
    why = NULL;
    REQUIRE(policy_add_ports(&policy, text, &why) || why != NULL);
    policy_done(&policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cursor input;
    cursor_init(&input, bytes, length);
    char *text = fuzz_text(&input);
    check_address(text);
    check_target(text);
    check_units(text);
    check_words(text);
    check_policy(text);
    free(text);
    return 0;
}
