#include "duty/policy.h"

#include "cli/i18n.h"
#include "words/target.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void policy_done(struct policy *policy)
{
    for (size_t i = 0; i < policy->name_count; i++)
        free(policy->names[i]);
    free(policy->names);
    free(policy->cidrs);
    *policy = (struct policy){0};
}

static bool add_cidr(struct policy *policy, const struct cidr *cidr)
{
    struct cidr *grown = realloc(policy->cidrs, (policy->cidr_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    policy->cidrs = grown;
    grown[policy->cidr_count++] = *cidr;
    return true;
}

static bool add_name(struct policy *policy, const char *name)
{
    char **grown = realloc(policy->names, (policy->name_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    policy->names = grown;
    char *copy = strdup(name);
    if (copy == NULL)
        return false;
    for (char *at = copy; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    grown[policy->name_count++] = copy;
    return true;
}

static bool is_name_entry(const char *text)
{
    char lower[PLAN_NAME_MAX + 1];
    const char *name = strncmp(text, "*.", 2) == 0 ? text + 2 : text;
    size_t length = strlen(name);
    if (length == 0 || length > PLAN_NAME_MAX)
        return false;
    for (size_t i = 0; i <= length; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    return target_is_name(lower);
}

bool policy_add(struct policy *policy, const char *text, const char **ret_why)
{
    struct cidr cidr;
    if (policy->name_count + policy->cidr_count >= POLICY_MAX_ENTRIES) {
        *ret_why = N_("too many entries");
        return false;
    }
    if (strcasecmp(text, "any") == 0) {
        policy->any = true;
        return true;
    }
    *ret_why = N_("out of memory");
    if (cidr_parse(text, &cidr))
        return add_cidr(policy, &cidr);
    if (is_name_entry(text))
        return add_name(policy, text);
    *ret_why =
        "expected a name (shop.example, *.shop.example), an address or network (203.0.113.0/24), or any";
    return false;
}

static bool covers_address(const struct policy *policy, const struct address *address)
{
    for (size_t i = 0; i < policy->cidr_count; i++)
        if (cidr_contains(&policy->cidrs[i], address))
            return true;
    return false;
}

static bool name_matches(const char *entry, const char *host)
{
    if (strncmp(entry, "*.", 2) != 0)
        return strcasecmp(entry, host) == 0;
    size_t tail = strlen(entry + 1), length = strlen(host);
    return length > tail && strcasecmp(host + length - tail, entry + 1) == 0;
}

static bool covers_name(const struct policy *policy, const char *host)
{
    for (size_t i = 0; i < policy->name_count; i++)
        if (name_matches(policy->names[i], host))
            return true;
    return policy->any;
}

bool policy_allows(const struct policy *policy, const struct endpoint *endpoint, const char **ret_why)
{
    struct address address = endpoint->address;
    if (address.length == 0 && !address_parse(endpoint->host, &address)) {
        *ret_why = "the owner's allow list does not have this name";
        return covers_name(policy, endpoint->host);
    }
    if (covers_address(policy, &address))
        return true;
    *ret_why = policy->any ? "not a public address, and the owner's allow list does not have it"
                           : "the owner's allow list does not have this address";
    return policy->any && address_kind(&address) == ADDRESS_PUBLIC;
}

bool policy_allows_address(const struct policy *policy, const struct address *address)
{
    return address_kind(address) == ADDRESS_PUBLIC || covers_address(policy, address);
}
