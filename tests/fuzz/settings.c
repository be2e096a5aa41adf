#include "fuzz.h"

#include "duty/settings.h"

#include <stdlib.h>
#include <string.h>

/* agent.yaml: what is read can be written, and read again; the policy in it answers for any endpoint. */

static void check_policy(const struct policy *policy)
{
    const char *why = NULL;
    struct endpoint endpoint = {.site = "", .host = "www.shop.example", .port = 443, .sni = ""};
    bool allowed = policy_allows(policy, &endpoint, &why);
    REQUIRE(allowed || why != NULL);
    REQUIRE(address_parse("169.254.169.254", &endpoint.address));
    allowed = policy_allows(policy, &endpoint, &why);
    REQUIRE(!allowed || policy->cidr_count > 0);
    REQUIRE(!policy_allows_address(policy, &endpoint.address) || policy->cidr_count > 0);
}

/* Collectors and the rest of what enrolling writes. */
static void check_written(const struct settings *settings)
{
    static const char *const allow[] = {"any", "*.shop.example", "203.0.113.0/24"};
    struct settings back;
    struct buf out;
    char *why = NULL;
    buf_init(&out, 0);
    settings_init(&back);
    REQUIRE(settings_write(settings, allow, 3, &out));
    if (!settings_read(&back, fuzz_file(out.data, out.len), &why))
        fuzz_broken(why, 0, "settings_read of settings_write");
    REQUIRE(back.collector_count == settings->collector_count);
    for (size_t i = 0; i < back.collector_count; i++)
        REQUIRE(strcmp(back.collectors[i].host, settings->collectors[i].host) == 0 &&
                back.collectors[i].port == settings->collectors[i].port);
    REQUIRE((settings->resolver == NULL) == (back.resolver == NULL));
    REQUIRE(settings->resolver == NULL || strcmp(settings->resolver, back.resolver) == 0);
    REQUIRE(settings->ca_file == NULL || strcmp(settings->ca_file, back.ca_file) == 0);
    settings_done(&back);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct settings settings;
    char *why = NULL;
    settings_init(&settings);
    if (settings_read(&settings, fuzz_file(bytes, length), &why)) {
        check_policy(&settings.policy);
        check_written(&settings);
    } else {
        REQUIRE(why != NULL);
    }
    free(why);
    settings_done(&settings);
    return 0;
}
