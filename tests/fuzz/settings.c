#include "fuzz.h"

#include "duty/settings.h"

#include <stdlib.h>
#include <string.h>

/* agent.yaml: what is read can be written, and read again; the policy in it answers for any endpoint. */

static void check_policy(const struct policy *policy)
{
    char rule[POLICY_WHY_BYTES] = "";
    struct endpoint endpoint = {.site = "", .host = "www.shop.example", .port = 443, .sni = ""};
    bool allowed = policy_allows(policy, &endpoint, rule);
    REQUIRE(allowed || rule[0] != '\0');
    REQUIRE(address_parse("169.254.169.254", &endpoint.address));
    allowed = policy_allows(policy, &endpoint, rule);
    REQUIRE(!allowed || policy->allow.cidr_count > 0);
    REQUIRE(!policy_allows_address(policy, &endpoint.address, rule) || policy->allow.cidr_count > 0);
}

/* Collectors and the rest of what enrolling writes: limits only as comments, so that they are read as if not there. */
static void check_written(const struct settings *settings)
{
    static const char *const allow[] = {"any", "*.shop.example", "203.0.113.0/24"},
                             *const deny[] = {"*.bank.example"}, *const ports[] = {"443", "8000-8999"};
    static const struct settings_lists lists = {allow, deny, ports, 3, 1, 2};
    struct settings back, untouched;
    struct buf out;
    char *why = NULL;
    buf_init(&out, 0);
    settings_init(&back);
    settings_init(&untouched);
    REQUIRE(settings_write(settings, &lists, &out));
    if (!settings_read(&back, fuzz_file(out.data, out.len), &why))
        fuzz_broken(why, 0, "settings_read of settings_write");
    REQUIRE(back.collector_count == settings->collector_count);
    for (size_t i = 0; i < back.collector_count; i++)
        REQUIRE(strcmp(back.collectors[i].host, settings->collectors[i].host) == 0 &&
                back.collectors[i].port == settings->collectors[i].port);
    REQUIRE(back.policy.allow.any && back.policy.allow.name_count == 1 && back.policy.allow.cidr_count == 1);
    REQUIRE(back.policy.deny.name_count == 1 && back.policy.port_count == 2);
    REQUIRE(back.rate == untouched.rate && back.address_concurrency == untouched.address_concurrency);
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
